#include "controller/yaml/yaml_to_json.h"

#include <gmock/gmock.h>

#include <string>

namespace sluice::yaml {
namespace {

using ::testing::HasSubstr;

std::string to_json(std::string_view yaml) {
  const ParsedDocument parsed = parse_yaml(yaml);
  if (parsed.error) return "error: " + parsed.error->message;
  return parsed.json.dump();
}

TEST(YamlToJsonTest, QuotedScalarsStayStringsAndPlainOnesAreTyped) {
  EXPECT_EQ(to_json(R"({a: "1", b: 1, c: 'true', d: true, e: "", f: , g: ~, h: 1.5, i: -3})"),
            R"({"a":"1","b":1,"c":"true","d":true,"e":"","f":null,"g":null,"h":1.5,"i":-3})");
}

TEST(YamlToJsonTest, PlainScalarsFollowTheYamlThatKubectlReads) {
  EXPECT_EQ(to_json("[yes, off, 0x10, 0644, 1e3, 2024-01-01T00:00:00Z, 1.2.3, v1, y]"),
            R"([true,false,16,420,1000.0,"2024-01-01T00:00:00Z","1.2.3","v1","y"])");
}

TEST(YamlToJsonTest, IntegersBeyond64BitsBecomeNumbersWithoutFraction) {
  EXPECT_EQ(to_json("[18446744073709551615, -9223372036854775808]"),
            "[18446744073709551615,-9223372036854775808]");
}

TEST(YamlToJsonTest, BlockScalarsAreStrings) {
  EXPECT_EQ(to_json("a: |\n  12\nb: !!str 12\n"), R"({"a":"12\n","b":"12"})");
}

TEST(YamlToJsonTest, AnchorsAndMergeKeysAreExpanded) {
  EXPECT_EQ(to_json("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nagain: *b\n"),
            R"({"again":{"x":1,"y":2},"base":{"x":1,"y":2},"use":{"x":1,"y":3}})");
}

TEST(YamlToJsonTest, YamlBombIsRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k)
      bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THAT(to_json(bomb), HasSubstr("expand to too much"));
}

TEST(YamlToJsonTest, DeepNestingAndEndlessAliasesAreRefused) {
  EXPECT_THAT(to_json(std::string(100, '[') + std::string(100, ']')), HasSubstr("nested deeper"));
  EXPECT_THAT(to_json(std::string(100'000, '[')), HasSubstr("error: "));
  EXPECT_THAT(to_json("&a [*a]"), HasSubstr("error: "));
}

TEST(YamlToJsonTest, KeyTwiceIsAnErrorWithItsLine) {
  const ParsedDocument parsed = parse_yaml("a: 1\nb: 2\na: 3\n");
  ASSERT_TRUE(parsed.error);
  EXPECT_EQ(parsed.error->line, 3);
  EXPECT_THAT(parsed.error->message, HasSubstr("\"a\" is there twice"));
}

TEST(YamlToJsonTest, SyntaxErrorsNameTheirLine) {
  const ParsedDocument parsed = parse_yaml("a: 1\nb: [1, 2\nc: 3\n");
  ASSERT_TRUE(parsed.error);
  EXPECT_GE(parsed.error->line, 2);
}

TEST(YamlToJsonTest, BytesThatAreNoTextAreRefused) {
  EXPECT_THAT(to_json("a: \xff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(to_json("a: \xc0\xaf"), HasSubstr("not UTF-8"));
  EXPECT_THAT(to_json(std::string_view("a: \0", 4)), HasSubstr("NUL"));
  EXPECT_EQ(to_json("a: \xc3\xa4"), "{\"a\":\"\xc3\xa4\"}");
}

TEST(YamlToJsonTest, JsonErrorsNameTheirLineAndDepthIsBounded) {
  const ParsedDocument bad = parse_json("{\n  \"a\": 1,\n  oops\n}");
  ASSERT_TRUE(bad.error);
  EXPECT_EQ(bad.error->line, 3);
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')).error);
  EXPECT_EQ(parse_json("{\"a\": [1, \"x\"]}").json.dump(), R"({"a":[1,"x"]})");
}

TEST(YamlToJsonTest, FieldPathsFindTheirLineOrTheNearestParents) {
  const ParsedDocument parsed = parse_yaml(
      "spec:\n  rules:\n  - matches:\n    - path: {value: /}\n  - x: 1\nlabels:\n  a.b/c: d\n");
  ASSERT_FALSE(parsed.error);
  EXPECT_EQ(find_line(parsed.lines, "", "spec.rules[0].matches[0].path.value"), 4);
  EXPECT_EQ(find_line(parsed.lines, "", "spec.rules[1].x"), 5);
  EXPECT_EQ(find_line(parsed.lines, "", "spec.rules[1].missing"), 5);
  EXPECT_EQ(find_line(parsed.lines, "", "labels[a.b/c]"), 7);
  EXPECT_EQ(find_line(parsed.lines, "/spec/rules/1", "x"), 5);
  EXPECT_EQ(find_line(parsed.lines, "", "nothing"), 0);
}

}  // namespace
}  // namespace sluice::yaml

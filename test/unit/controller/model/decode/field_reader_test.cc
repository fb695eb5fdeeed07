#include "controller/model/decode/field_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What a reading function reported about the JSON text, as "field: message".
template <class Read>
std::vector<std::string> errors_of(const char* json_text, Read read, bool warnings = false) {
  const auto json = nlohmann::json::parse(json_text);
  Report report;
  {
    FieldReader reader(json, report);
    read(reader);
  }
  std::vector<std::string> out;
  for (const Problem& problem : warnings ? report.warnings : report.errors) {
    out.push_back(problem.field + ": " + problem.message);
  }
  return out;
}

template <class Read>
std::vector<std::string> warnings_of(const char* json_text, Read read) {
  return errors_of(json_text, read, true);
}

TEST(FieldReaderTest, PathNamesFieldsAndIndexes) {
  std::string path;
  errors_of(R"({"spec": {"rules": [{}, {"name": "x"}]}})", [&](FieldReader& root) {
    EXPECT_EQ(root.path(), "");
    root.object("spec", Need::kRequired, [&](FieldReader& spec) {
      spec.list("rules", Need::kRequired, {}, [&](FieldReader& rule) { path = rule.path(); });
    });
  });
  EXPECT_EQ(path, "spec.rules[1]");
}

TEST(FieldReaderTest, AbsentOptionalFieldsAreNoProblem) {
  EXPECT_THAT(errors_of("{}",
                        [](FieldReader& root) {
                          EXPECT_EQ(root.text("a", kAnyText), std::nullopt);
                          EXPECT_EQ(root.text_or("a", "x", kAnyText), "x");
                          EXPECT_EQ(root.integer("a", Need::kOptional, {}), std::nullopt);
                          EXPECT_EQ(root.port("a", Need::kOptional), std::nullopt);
                          EXPECT_EQ(root.boolean("a"), std::nullopt);
                          EXPECT_THAT(root.texts("a", Need::kOptional, {}, kAnyText), IsEmpty());
                          EXPECT_THAT(root.text_map("a", {}), IsEmpty());
                        }),
              IsEmpty());
}

TEST(FieldReaderTest, NullIsAValueUnlessThereIsADefault) {
  EXPECT_THAT(errors_of(R"({"a": null})", [](FieldReader& root) { root.text("a", kAnyText); }),
              ElementsAre("a: found null; valid is text"));
  EXPECT_THAT(
      errors_of(R"({"a": null})", [](FieldReader& root) { root.text_or("a", "", kAnyText); }),
      IsEmpty());
  EXPECT_THAT(errors_of(R"({"a": null})",
                        [](FieldReader& root) {
                          root.treat_null_as_absent();
                          root.text("a", kAnyText);
                        }),
              IsEmpty());
}

TEST(FieldReaderTest, NullHandlingIsInherited) {
  EXPECT_THAT(errors_of(R"({"a": {"b": null}})",
                        [](FieldReader& root) {
                          root.treat_null_as_absent();
                          root.object("a", Need::kOptional,
                                      [](FieldReader& a) { a.text("b", kAnyText); });
                        }),
              IsEmpty());
}

TEST(FieldReaderTest, WholeNumbersMayBeWrittenInAnyWay) {
  const Range any = {INT64_MIN, INT64_MAX};
  const auto read = [&](const char* text) {
    std::optional<std::int64_t> number;
    errors_of(text, [&](FieldReader& root) { number = root.integer("a", Need::kRequired, any); });
    return number;
  };
  EXPECT_EQ(read(R"({"a": 80})"), 80);
  EXPECT_EQ(read(R"({"a": -80})"), -80);
  EXPECT_EQ(read(R"({"a": 80.0})"), 80);
  EXPECT_EQ(read(R"({"a": 8e1})"), 80);
  EXPECT_EQ(read(R"({"a": 9223372036854775807})"), INT64_MAX);
  EXPECT_EQ(read(R"({"a": 9223372036854775808})"), std::nullopt);
  EXPECT_EQ(read(R"({"a": 80.25})"), std::nullopt);
  EXPECT_EQ(read(R"({"a": 1e300})"), std::nullopt);
  EXPECT_EQ(read(R"({"a": true})"), std::nullopt);
}

TEST(FieldReaderTest, ListKeepsTheIndexesOfItemsThatAreWrong) {
  std::vector<std::string> items;
  EXPECT_THAT(
      errors_of(R"({"a": ["x", 1, "y"]})",
                [&](FieldReader& root) { items = root.texts("a", Need::kOptional, {}, kAnyText); }),
      ElementsAre("a[1]: found the number 1; valid is text"));
  EXPECT_THAT(items, ElementsAre("x", "", "y"));

  int calls = 0;
  EXPECT_THAT(errors_of(R"({"a": [{}, "x"]})",
                        [&](FieldReader& root) {
                          root.list("a", Need::kOptional, {}, [&](FieldReader& item) {
                            ++calls;
                            item.required_text("name", kAnyText);
                          });
                        }),
              ElementsAre("a[0].name: missing, but required",
                          "a[1]: found the text \"x\"; valid is a mapping"));
  EXPECT_EQ(calls, 2);
}

TEST(FieldReaderTest, ItemsOfAListThatIsTooLongAreNotRead) {
  int calls = 0;
  errors_of(R"({"a": [{}, {}]})", [&](FieldReader& root) {
    root.list("a", Need::kOptional, {.max = 1}, [&](FieldReader&) { ++calls; });
  });
  EXPECT_EQ(calls, 0);
}

TEST(FieldReaderTest, RepeatedItemNamesTheFirstOne) {
  EXPECT_THAT(
      errors_of("{}", [](FieldReader& root) { root.refuse_repeated("a", {"x", "", "", "x"}); }),
      ElementsAre("a[3]: found \"x\" again, it is a[0] too; valid are different ones"));
}

TEST(FieldReaderTest, FieldThatNobodyAskedForIsAWarning) {
  EXPECT_THAT(warnings_of(R"({"known": 1, "ignored": 2, "odd": 3})",
                          [](FieldReader& root) {
                            root.integer("known", Need::kOptional, {});
                            root.ignore({"ignored"});
                          }),
              ElementsAre("odd: unknown field, ignored"));
}

TEST(FieldReaderTest, SlipOfTheKeyboardIsRecognised) {
  const auto suggestion = [](const std::string& key) {
    const std::vector<std::string> warnings =
        warnings_of(("{\"" + key + "\": 1}").c_str(),
                    [](FieldReader& root) { root.text("hostname", kAnyText); });
    return warnings.size() == 1 && warnings[0].find("\"hostname\"") != std::string::npos;
  };
  EXPECT_TRUE(suggestion("hostName"));
  EXPECT_TRUE(suggestion("hostnames"));
  EXPECT_TRUE(suggestion("hostnme"));
  EXPECT_TRUE(suggestion("hostnamr"));
  EXPECT_TRUE(suggestion("hsotname"));
  EXPECT_FALSE(suggestion("host"));
  EXPECT_FALSE(suggestion("username"));
  EXPECT_FALSE(suggestion(""));
}

TEST(FieldReaderTest, FieldOfTheWrongTypeIsReportedOnlyOnce) {
  const auto read = [](FieldReader& root) { root.text("a", kAnyText); };
  EXPECT_THAT(errors_of(R"({"a": {"b": 1}})", read),
              ElementsAre("a: found a mapping; valid is text"));
  EXPECT_THAT(warnings_of(R"({"a": {"b": 1}})", read), IsEmpty());
}

}  // namespace
}  // namespace sluice::model

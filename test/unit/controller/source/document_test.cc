// What one document claims.
#include "controller/source/files/document.h"

#include <gmock/gmock.h>

namespace sluice::source {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kPath = "a.yaml";

DocumentOrError parse(std::string_view text) {
  return parse_document({text, 1}, Syntax::kYaml, kPath);
}

// Symptom: `namespace:` with nothing behind it made an object of no namespace, which did not
// contest the one of the namespace "default" and could not be asked for.
TEST(DocumentTest, AnEmptyNamespaceFieldMeansTheDefaultNamespace) {
  const auto parsed =
      parse("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace:\n");
  ASSERT_NE(parsed.document, nullptr);
  ASSERT_THAT(parsed.document->claims, SizeIs(1));
  const Claim& claim = parsed.document->claims[0];
  EXPECT_EQ(claim.key, (model::ObjectKey{model::Kind::kConfigMap, {"default", "a"}}));
  ASSERT_NE(claim.accepted, nullptr);
  EXPECT_EQ(key_of(*claim.accepted->object), claim.key);
  EXPECT_THAT(parsed.document->problems, IsEmpty());
}

TEST(DocumentTest, ARefusedObjectIsStillClaimedByItsName) {
  const auto parsed = parse(
      "# a comment\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: n}\n"
      "spec: {ports: [{port: 99999}]}\n");
  ASSERT_NE(parsed.document, nullptr);
  ASSERT_THAT(parsed.document->claims, SizeIs(1));
  EXPECT_EQ(parsed.document->claims[0].key, (model::ObjectKey{model::Kind::kService, {"n", "s"}}));
  EXPECT_EQ(parsed.document->claims[0].accepted, nullptr);
  ASSERT_THAT(parsed.document->problems, SizeIs(1));
  EXPECT_EQ(parsed.document->problems[0].position.line, 5);
  EXPECT_FALSE(parsed.document->refused_nameless);
}

TEST(DocumentTest, AnObjectWithoutANameClaimsNothingAndSaysSo) {
  const auto parsed = parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
  ASSERT_NE(parsed.document, nullptr);
  EXPECT_THAT(parsed.document->claims, IsEmpty());
  EXPECT_THAT(parsed.document->problems, SizeIs(1));
  EXPECT_TRUE(parsed.document->refused_nameless);
}

}  // namespace
}  // namespace sluice::source

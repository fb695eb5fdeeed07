#include "controller/compile/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::compile {
namespace {

using table::FilterValue;
using table::HeaderEdit;
using table::PartKind;
using table::PathEdit;
using ::testing::ElementsAre;

FilterValue value_of(const resolve::ResolvedFilter& filter) {
  return to_filters({filter}).at(0);
}

TEST(FiltersTest, HeadersAreSetThenAddedThenRemoved) {
  const model::HeaderEdits edits{
      .set = {{"A", "1"}}, .add = {{"B", "2"}, {"A", "3"}}, .remove = {"C", "A"}};
  const std::vector<HeaderEdit> expected = {{PartKind::kSetHeader, "A", "1"},
                                            {PartKind::kAddHeader, "B", "2"},
                                            {PartKind::kAddHeader, "A", "3"},
                                            {PartKind::kRemoveHeader, "C", ""},
                                            {PartKind::kRemoveHeader, "A", ""}};
  EXPECT_EQ(value_of(model::RequestHeaderModifier{edits}),
            FilterValue(table::RequestHeaderModifier{expected}));
  EXPECT_EQ(value_of(model::ResponseHeaderModifier{edits}),
            FilterValue(table::ResponseHeaderModifier{expected}));
}

TEST(FiltersTest, OfEquivalentNamesInOneListTheFirstCounts) {
  const model::HeaderEdits edits{.set = {{"X-A", "1"}, {"x-a", "2"}},
                                 .add = {{"x-A", "3"}, {"X-a", "4"}},
                                 .remove = {"x-b", "X-B"}};
  EXPECT_EQ(value_of(model::RequestHeaderModifier{edits}),
            FilterValue(table::RequestHeaderModifier{{{PartKind::kSetHeader, "X-A", "1"},
                                                      {PartKind::kAddHeader, "x-A", "3"},
                                                      {PartKind::kRemoveHeader, "x-b", ""}}}));
}

TEST(FiltersTest, ARedirectSaysOnlyWhatIsGiven) {
  EXPECT_EQ(value_of(model::RequestRedirect{}), FilterValue(table::RequestRedirect{}));
  const model::RequestRedirect written{
      .scheme = "https",
      .hostname = "a.b",
      .path = model::PathModifier{model::PathModifierType::kPrefixMatch, "/x"},
      .port = 8443,
      .status_code = 308};
  EXPECT_EQ(value_of(written), FilterValue(table::RequestRedirect{.status = 308,
                                                                  .port = 8443,
                                                                  .scheme = "https",
                                                                  .hostname = "a.b",
                                                                  .path_edit = PathEdit::kPrefix,
                                                                  .path = "/x"}));
}

TEST(FiltersTest, APathReplacedByNothingIsNotTheSameAsAPathThatStays) {
  const model::UrlRewrite strips{std::nullopt,
                                 model::PathModifier{model::PathModifierType::kPrefixMatch, ""}};
  EXPECT_EQ(value_of(strips), FilterValue(table::UrlRewrite{
                                  .hostname = "", .path_edit = PathEdit::kPrefix, .path = ""}));
  EXPECT_EQ(value_of(model::UrlRewrite{}), FilterValue(table::UrlRewrite{}));
}

TEST(FiltersTest, TheUsersOrderStays) {
  const resolve::ResolvedMirror mirror{.backend = "Service/a/m:80",
                                       .name = "a/m:80",
                                       .protocol = resolve::BackendProtocol::kHttp2,
                                       .numerator = 1,
                                       .denominator = 3};
  const std::vector<FilterValue> values =
      to_filters({mirror, model::Cors{true, 7, {"*"}, {"GET"}, {}, {"x"}}, mirror});
  const FilterValue mirrored = table::RequestMirror{.backend = "Service/a/m:80",
                                                    .name = "a/m:80",
                                                    .protocol = table::BackendProtocol::kHttp2,
                                                    .numerator = 1,
                                                    .denominator = 3};
  EXPECT_THAT(values,
              ElementsAre(mirrored, FilterValue(table::Cors{true, 7, {"*"}, {"GET"}, {}, {"x"}}),
                          mirrored));
}

}  // namespace
}  // namespace sluice::compile

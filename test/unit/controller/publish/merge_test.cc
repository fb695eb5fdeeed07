#include "controller/publish/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::publish {
namespace {

using resolve::Delta;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

resolve::ServedBackend backend(std::string id, std::uint16_t port) {
  return {std::move(id), {{"127.0.0.1", port, false}}};
}

TEST(MergeTest, TheNewerWordAboutAnIdentityIsTheLast) {
  Delta into;
  into.backends = {backend("kept", 1), backend("changed", 1), backend("removed", 1)};
  into.backends_gone = {"back", "gone"};
  Delta newer;
  newer.backends = {backend("changed", 2), backend("back", 2)};
  newer.backends_gone = {"removed"};
  merge(into, newer);
  EXPECT_THAT(into.backends,
              ElementsAre(backend("back", 2), backend("changed", 2), backend("kept", 1)));
  EXPECT_THAT(into.backends_gone, ElementsAre("gone", "removed"));
}

TEST(MergeTest, AnEmptyDeltaBecomesTheNewerOne) {
  Delta into;
  Delta newer;
  newer.listeners_gone = {{{"default", "web"}, "http"}};
  newer.routes = {{{model::Kind::kHttpRoute, {"default", "r"}}, std::nullopt, {}, {}}};
  newer.findings_gone = {{model::Kind::kGateway, {"default", "web"}}};
  merge(into, newer);
  EXPECT_EQ(into.listeners_gone, newer.listeners_gone);
  EXPECT_EQ(into.routes, newer.routes);
  EXPECT_THAT(into.findings_gone, IsEmpty()) << "the table has no findings";
}

}  // namespace
}  // namespace sluice::publish

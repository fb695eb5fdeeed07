#include "controller/kube/known_objects.h"

#include <gmock/gmock.h>

namespace sluice::kube {
namespace {

using From = KnownObjects::From;

Identity object(const std::string& uid, const std::string& version) {
  return {uid, "default", "name-of-" + uid, version};
}

TEST(KnownObjectsTest, VersionsAreComparedAsNumbersOfAnyLength) {
  EXPECT_EQ(compare_versions("9", "10"), std::strong_ordering::less);
  EXPECT_EQ(compare_versions("0010", "10"), std::strong_ordering::equal);
  EXPECT_EQ(compare_versions("18446744073709551617", "18446744073709551616"),
            std::strong_ordering::greater);
  EXPECT_EQ(compare_versions("a", "10"), std::nullopt);
  EXPECT_EQ(compare_versions("", "10"), std::nullopt);
}

TEST(KnownObjectsTest, VersionsThatAreNoNumbersAreNewsWhenTheyDiffer) {
  KnownObjects known;
  EXPECT_TRUE(known.put(object("a", "v2"), From::kEvent).changed);
  EXPECT_FALSE(known.put(object("a", "v2"), From::kEvent).changed);
  EXPECT_TRUE(known.put(object("a", "v1"), From::kEvent).changed);
}

TEST(KnownObjectsTest, AListMayGoBack) {
  KnownObjects known;
  known.put(object("a", "100"), From::kEvent);
  EXPECT_FALSE(known.put(object("a", "50"), From::kEvent).changed);
  known.begin_list();
  EXPECT_TRUE(known.put(object("a", "50"), From::kList).changed);
  EXPECT_TRUE(known.end_list().empty());
}

TEST(KnownObjectsTest, AnObjectWhoseNameWasTakenDoesNotComeBack) {
  KnownObjects known;
  known.put({"old", "default", "web", "5"}, From::kEvent);
  const KnownObjects::News news = known.put({"new", "default", "web", "9"}, From::kEvent);
  ASSERT_TRUE(news.gone);
  EXPECT_EQ(news.gone->uid, "old");
  EXPECT_FALSE(known.put({"old", "default", "web", "7"}, From::kEvent).changed);
  EXPECT_FALSE(known.remove({"old", "default", "web", "8"}));
  EXPECT_EQ(known.size(), 1U);
}

TEST(KnownObjectsTest, TheDeletedAreRememberedInBounds) {
  KnownObjects known;
  const std::size_t count = KnownObjects::kRemembered + 10;
  for (std::size_t i = 0; i < count; ++i) {
    known.put(object("u" + std::to_string(i), "5"), From::kEvent);
    EXPECT_TRUE(known.remove(object("u" + std::to_string(i), "6")));
  }
  EXPECT_TRUE(known.put(object("u0", "5"), From::kEvent).changed);
  EXPECT_FALSE(known.put(object("u" + std::to_string(count - 1), "5"), From::kEvent).changed);
}

}  // namespace
}  // namespace sluice::kube

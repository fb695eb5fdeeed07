#include "controller/kube/known_objects.h"

#include <gmock/gmock.h>

#include "controller/kube/backoff.h"
#include "controller/kube/lines.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;

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

TEST(LinesTest, LinesAreCutWhereverTheyEnd) {
  const std::string text = "one\n\ntwo\nthree";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Lines lines(100);
    std::vector<std::string> taken;
    const auto take = [&](std::string_view line) {
      taken.emplace_back(line);
      return true;
    };
    lines.add(text.substr(0, cut), take);
    lines.add(text.substr(cut), take);
    EXPECT_THAT(taken, ElementsAre("one", "two")) << cut;
    lines.add("\n", take);
    EXPECT_THAT(taken, ElementsAre("one", "two", "three")) << cut;
  }
}

TEST(LinesTest, ALineThatIsTooLongIsLeftOutAlone) {
  Lines lines(5);
  std::vector<std::string> taken;
  const auto take = [&](std::string_view line) {
    taken.emplace_back(line);
    return true;
  };
  lines.add("12345\n1234", take);
  lines.add("567", take);
  lines.add("89\nabc\n", take);
  EXPECT_THAT(taken, ElementsAre("12345", "abc"));
  EXPECT_EQ(lines.too_long(), 1U);
}

TEST(BackoffTest, PausesGrowToABoundAndStartOverAfterAReset) {
  Backoff backoff(3);
  EXPECT_TRUE(backoff.is_fresh());
  for (int i = 0; i < 100; ++i)
    EXPECT_LE(backoff.next_ms(), Backoff::kLongestMs);
  EXPECT_GE(backoff.next_ms(), Backoff::kLongestMs / 2);
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), Backoff::kFirstMs);
}

}  // namespace
}  // namespace sluice::kube

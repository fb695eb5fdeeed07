#include "controller/dns/name_book.h"

#include <gmock/gmock.h>

namespace sluice::dns {
namespace {

using model::HostAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const model::ObjectName kApi{"default", "api"};
const model::ObjectName kShop{"default", "shop"};
const std::string kHost = "api.example.com";
const Question kA{kHost, Family::kIpv4};
const Question kAaaa{kHost, Family::kIpv6};
const Answer kNone{.outcome = Outcome::kNone};
const Answer kSilence{.outcome = Outcome::kFailed, .failure = "no answer in time"};

Answer addresses(std::vector<std::string> list, std::uint32_t ttl = 60) {
  return {.outcome = Outcome::kAddresses, .addresses = std::move(list), .ttl_seconds = ttl};
}

class NameBookTest : public ::testing::Test {
 protected:
  // Followed, asked for and answered at 0 ms.
  void answered(const Answer& ipv4, const Answer& ipv6) {
    book_.follow(kApi, {kHost}, 0);
    book_.take_due(9, 0);
    book_.answer(kA, ipv4, 0);
    book_.answer(kAaaa, ipv6, 0);
  }

  // What is asked at that moment.
  std::vector<Question> due(std::uint64_t now_ms) { return book_.take_due(9, now_ms); }

  NameBook book_;
};

TEST_F(NameBookTest, BothFamiliesAreAskedForAtOnceAndBecomeOneAnswer) {
  book_.follow(kApi, {kHost}, 5);
  EXPECT_THAT(due(5), ElementsAre(kA, kAaaa));
  EXPECT_THAT(due(5), IsEmpty());
  book_.answer(kA, addresses({"10.0.0.2"}), 6);
  book_.answer(kAaaa, addresses({"2001:db8::1"}), 6);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {"10.0.0.2", "2001:db8::1"}}));
  EXPECT_THAT(book_.take_changes(), IsEmpty());
  EXPECT_THAT(book_.take_news(), ElementsAre(HasSubstr("10.0.0.2")));
}

TEST_F(NameBookTest, ANameOfTwoBackendsIsAskedForOnce) {
  book_.follow(kApi, {kHost}, 0);
  book_.follow(kShop, {kHost}, 0);
  EXPECT_THAT(due(0), SizeIs(2));
}

TEST_F(NameBookTest, NoMoreThanTheLimitIsAsked) {
  book_.follow(kApi, {"a", "b", "c"}, 0);
  EXPECT_THAT(book_.take_due(4, 0), SizeIs(4));
  EXPECT_THAT(book_.take_due(4, 0), SizeIs(2));
}

TEST_F(NameBookTest, AnAnswerIsKeptForItsTtl) {
  answered(addresses({"10.0.0.1"}, 60), addresses({"2001:db8::1"}, 120));
  EXPECT_THAT(due(59'999), IsEmpty());
  EXPECT_EQ(book_.timeout_ms(true, 59'999), 1);
  EXPECT_THAT(due(60'000), ElementsAre(kA));
  EXPECT_THAT(due(120'000), ElementsAre(kAaaa));
}

TEST_F(NameBookTest, ATtlHasAMinimumAndAMaximum) {
  answered(addresses({"10.0.0.1"}, 0), addresses({"2001:db8::1"}, 86'400));
  EXPECT_THAT(due(NameBook::kShortestMs - 1), IsEmpty());
  EXPECT_THAT(due(NameBook::kShortestMs), ElementsAre(kA));
  EXPECT_THAT(due(NameBook::kLongestMs - 1), IsEmpty());
  EXPECT_THAT(due(NameBook::kLongestMs), ElementsAre(kAaaa));
}

TEST_F(NameBookTest, AFamilyThatIsNotThereIsAskedForAsOftenAsTheOther) {
  answered(addresses({"10.0.0.1"}, 60), kNone);
  EXPECT_THAT(due(59'999), IsEmpty());
  EXPECT_THAT(due(60'000), ElementsAre(kA, kAaaa));
  EXPECT_THAT(book_.troubles(), IsEmpty());
}

TEST_F(NameBookTest, AFailureKeepsTheLastGoodAddressesAndSaysSoOnce) {
  answered(addresses({"10.0.0.1"}, 1), kNone);
  book_.take_changes();
  EXPECT_THAT(due(1000), ElementsAre(kA, kAaaa));
  book_.take_troubles_changed();
  book_.answer(kA, kSilence, 8000);
  book_.answer(kAaaa, kSilence, 8000);
  EXPECT_THAT(book_.take_changes(), IsEmpty());
  EXPECT_TRUE(book_.take_troubles_changed());
  ASSERT_THAT(book_.troubles(), SizeIs(1));
  EXPECT_THAT(book_.troubles().front().text, HasSubstr("no answer in time"));
  EXPECT_THAT(book_.troubles().front().text, HasSubstr("the last addresses stay: 10.0.0.1"));
  EXPECT_THAT(book_.troubles().front().backends, ElementsAre(kApi));
  EXPECT_THAT(due(9000), ElementsAre(kA));  // the second miss of AAAA waits longer
  book_.answer(kA, kSilence, 9000);
  EXPECT_FALSE(book_.take_troubles_changed());
}

// On a slow machine one failure was told as two: of one family, then of both.
TEST_F(NameBookTest, FamiliesThatAreDueAtAboutTheSameTimeAreAskedForTogether) {
  book_.follow(kApi, {kHost}, 0);
  book_.take_due(9, 0);
  book_.answer(kA, addresses({"10.0.0.1"}, 1), 0);
  book_.answer(kAaaa, kNone, 300);
  EXPECT_THAT(due(1000), ElementsAre(kA, kAaaa));
  book_.answer(kA, kSilence, 1100);
  EXPECT_THAT(book_.troubles(), IsEmpty());
  book_.answer(kAaaa, kSilence, 1200);
  ASSERT_THAT(book_.troubles(), SizeIs(1));
  EXPECT_THAT(book_.troubles()[0].text, HasSubstr("IPv6"));
}

TEST_F(NameBookTest, AnAnswerAfterAFailureMendsTheTrouble) {
  answered(kSilence, kSilence);
  EXPECT_THAT(book_.troubles(), SizeIs(1));
  EXPECT_THAT(due(1000), SizeIs(2));
  book_.answer(kA, addresses({"10.0.0.1"}), 1001);
  book_.answer(kAaaa, kNone, 1001);
  EXPECT_THAT(book_.troubles(), IsEmpty());
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {"10.0.0.1"}}));
}

TEST_F(NameBookTest, RetriesGrowApartUpToAMaximum) {
  answered(kSilence, kSilence);
  std::vector<std::uint64_t> pauses;
  std::uint64_t last = 0;
  for (std::uint64_t now = 0; pauses.size() < 7; now += 500) {
    for (const Question& question : due(now)) {
      if (question == kA) pauses.push_back(now - std::exchange(last, now));
      book_.answer(question, kSilence, now);
    }
  }
  EXPECT_THAT(pauses, ElementsAre(1000, 2000, 4000, 8000, 16'000, 30'000, 30'000));
}

// RFC 8767, section 4: an answer that says there is nothing is an answer.
TEST_F(NameBookTest, ANameThatIsGoneLosesItsAddresses) {
  answered(addresses({"10.0.0.1"}, 1), kNone);
  book_.take_changes();
  due(1000);
  book_.answer(kA, kNone, 1000);
  book_.answer(kAaaa, kNone, 1000);
  EXPECT_THAT(book_.take_changes(), IsEmpty());  // is it really gone?
  EXPECT_THAT(due(1001), ElementsAre(kAaaa));
  book_.answer(kAaaa, kNone, 1002);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {}}));
  ASSERT_THAT(book_.troubles(), SizeIs(1));
  EXPECT_THAT(book_.troubles().front().text, HasSubstr("no addresses"));
}

// 503 for the moment between "no IPv4 address any more" and "an IPv6 address now".
TEST_F(NameBookTest, ANameThatMovesToTheOtherFamilyIsNeverWithoutAddresses) {
  answered(addresses({"10.0.0.1"}, 1), kNone);
  book_.take_changes();
  EXPECT_THAT(book_.take_due(1, 1000), ElementsAre(kA));
  book_.answer(kA, kNone, 1005);
  EXPECT_THAT(book_.take_changes(), IsEmpty());
  EXPECT_THAT(due(1006), ElementsAre(kAaaa));
  book_.answer(kAaaa, addresses({"2001:db8::1"}, 1), 1007);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {"2001:db8::1"}}));
  EXPECT_THAT(book_.troubles(), IsEmpty());
}

TEST_F(NameBookTest, OneFamilyFailingKeepsItsOwnAddressesBesideTheOthersNewOnes) {
  answered(addresses({"10.0.0.1"}, 1), addresses({"2001:db8::1"}, 1));
  book_.take_changes();
  due(1000);
  book_.answer(kA, addresses({"10.0.0.2"}, 1), 1000);
  book_.answer(kAaaa, kSilence, 1000);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {"10.0.0.2", "2001:db8::1"}}));
  EXPECT_THAT(book_.troubles().front().text, HasSubstr("stay: 2001:db8::1"));
}

TEST_F(NameBookTest, ANameThatNobodyFollowsAnyMoreHasNoAddresses) {
  answered(addresses({"10.0.0.1"}, 1), kNone);
  book_.follow(kShop, {kHost}, 0);
  book_.take_changes();
  book_.follow(kApi, {}, 1);
  EXPECT_THAT(book_.take_changes(), IsEmpty());
  book_.follow(kShop, {"other.example.com"}, 1);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {}}));
  for (const Question& question : due(10'000))
    EXPECT_EQ(question.hostname, "other.example.com");
}

TEST_F(NameBookTest, TheAnswerForANameThatIsGoneIsNobodys) {
  book_.follow(kApi, {kHost}, 0);
  due(0);
  book_.follow(kApi, {}, 0);
  book_.answer(kA, addresses({"10.0.0.1"}), 1);
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {}}));
  EXPECT_EQ(book_.timeout_ms(true, 1), -1);
}

TEST_F(NameBookTest, ANewNameIsWaitedForUntilItHasAddressesOrPatienceEnds) {
  book_.follow(kApi, {kHost}, 0);
  due(0);
  EXPECT_TRUE(book_.waits_for_first_answers(NameBook::kPatienceMs - 1));
  EXPECT_EQ(book_.timeout_ms(true, 0), static_cast<int>(NameBook::kPatienceMs));
  EXPECT_FALSE(book_.waits_for_first_answers(NameBook::kPatienceMs));
  EXPECT_EQ(book_.timeout_ms(true, NameBook::kPatienceMs), -1);
  book_.answer(kAaaa, kNone, 1);
  EXPECT_TRUE(book_.waits_for_first_answers(2));
  book_.answer(kA, addresses({"10.0.0.1"}), 2);
  EXPECT_FALSE(book_.waits_for_first_answers(2));
}

TEST_F(NameBookTest, NothingIsDueWhileNothingMayBeAsked) {
  book_.follow(kApi, {kHost}, 0);
  EXPECT_EQ(book_.timeout_ms(true, 2000), 0);
  EXPECT_EQ(book_.timeout_ms(false, 2000), -1);
}

TEST_F(NameBookTest, AnswersOfAnEarlierProcessStandUntilThereAreNewOnes) {
  book_.restore({{kHost, {"10.0.0.1", "2001:db8::1"}}, {"gone.example.com", {"10.0.0.9"}}});
  answered(kSilence, addresses({"2001:db8::2"}));
  EXPECT_THAT(book_.take_changes(), ElementsAre(HostAnswer{kHost, {"10.0.0.1", "2001:db8::2"}}));
  EXPECT_THAT(book_.troubles().front().text, HasSubstr("stay: 10.0.0.1"));
  EXPECT_THAT(book_.answers(), SizeIs(1));
}

TEST_F(NameBookTest, ARestoredNameIsStillWaitedFor) {
  book_.restore({{kHost, {"10.0.0.1"}}});
  book_.follow(kApi, {kHost}, 0);
  EXPECT_TRUE(book_.waits_for_first_answers(1));
}

}  // namespace
}  // namespace sluice::dns

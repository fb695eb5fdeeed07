#include "controller/source/kube/lease.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr std::int64_t kWallUs = 1'790'000'000'000'042;

kube::CallResult result_of(kube::Outcome outcome, const std::string& message = "") {
  kube::CallResult result;
  result.outcome = outcome;
  result.message = message;
  return result;
}

// Stands for the API server: one Lease, and who asks for it.
class Cluster {
 public:
  kube::CallResult answer(const kube::Call& call) {
    kube::CallResult result = result_of(kube::Outcome::kOk);
    const Json body = call.request.body.empty() ? Json() : Json::parse(call.request.body);
    if (call.request.method == "POST" && !lease_.is_null()) {
      result.outcome = kube::Outcome::kConflict;
    } else if (call.request.method == "POST") {
      lease_ = body;
      touch();
    } else if (lease_.is_null()) {
      result.outcome = kube::Outcome::kNotFound;
      result.message = "not found";
    } else if (call.request.method == "PATCH") {
      const Json wanted = body.value("metadata", Json::object()).value("resourceVersion", Json());
      if (!wanted.is_null() && wanted != lease_["metadata"]["resourceVersion"]) {
        result.outcome = kube::Outcome::kConflict;
        return result;
      }
      lease_.merge_patch(body);
      touch();
      ++writes;
    }
    result.object = lease_;
    return result;
  }

  void take_away() { lease_ = nullptr; }

  const Json& spec() const { return lease_["spec"]; }

  int writes = 0;

 private:
  void touch() { lease_["metadata"]["resourceVersion"] = std::to_string(++version_); }

  mutable Json lease_;
  int version_ = 0;
};

class LeaseTest : public ::testing::Test {
 protected:
  // Everything that is due now is asked and answered.
  void turn(Lease& lease) {
    for (int calls = 0; calls < 5; ++calls) {
      const auto call = lease.take_due(now_, kWallUs);
      if (!call) return;
      lease.settle(cluster_.answer(*call), now_);
    }
    FAIL() << "it never rests";
  }

  void pass(std::uint64_t ms, std::initializer_list<Lease*> living) {
    for (const std::uint64_t end = now_ + ms; now_ < end; now_ += 500) {
      for (Lease* lease : living)
        turn(*lease);
    }
  }

  Cluster cluster_;
  std::uint64_t now_ = 1000;
  Lease one_{{"sluice-system", "sluice-1"}, "one"};
  Lease other_{{"sluice-system", "sluice-1"}, "other"};
};

TEST_F(LeaseTest, TheFirstControllerMakesAndHoldsIt) {
  EXPECT_FALSE(one_.held(now_));
  turn(one_);
  EXPECT_TRUE(one_.held(now_));
  EXPECT_EQ(cluster_.spec()["holderIdentity"], "one");
  EXPECT_EQ(cluster_.spec()["leaseDurationSeconds"], 15);
  EXPECT_EQ(cluster_.spec()["renewTime"], "2026-09-21T14:13:20.000042Z");
}

TEST_F(LeaseTest, TheSecondOneWaitsAsLongAsTheFirstRenews) {
  pass(60'000, {&one_, &other_});
  EXPECT_TRUE(one_.held(now_));
  EXPECT_FALSE(other_.held(now_));
  EXPECT_EQ(other_.holder(), "one");
  EXPECT_EQ(cluster_.spec()["leaseTransitions"], 0);
}

TEST_F(LeaseTest, OneThatDiesIsFollowedAfterTheDurationAndNotBefore) {
  pass(5000, {&one_, &other_});
  pass(Lease::kDurationMs - Lease::kRetryMs, {&other_});
  EXPECT_FALSE(other_.held(now_));
  pass(3 * Lease::kRetryMs, {&other_});
  EXPECT_TRUE(other_.held(now_));
  EXPECT_FALSE(one_.held(now_)) << "it stopped by itself";
  EXPECT_EQ(cluster_.spec()["leaseTransitions"], 1);
  pass(5000, {&one_, &other_});
  EXPECT_FALSE(one_.held(now_));
  EXPECT_TRUE(other_.held(now_));
}

TEST_F(LeaseTest, OneThatReleasesItIsFollowedAtTheNextLook) {
  pass(5000, {&one_, &other_});
  const auto call = one_.release(now_, kWallUs);
  ASSERT_TRUE(call);
  cluster_.answer(*call);
  EXPECT_FALSE(one_.held(now_));
  pass(Lease::kRetryMs + 500, {&one_, &other_});
  EXPECT_TRUE(other_.held(now_));
  EXPECT_FALSE(one_.held(now_));
}

TEST_F(LeaseTest, ARestartedHolderGoesOnAtOnce) {
  pass(5000, {&one_});
  Lease again({"sluice-system", "sluice-1"}, "one");
  turn(again);
  EXPECT_TRUE(again.held(now_));
  EXPECT_EQ(cluster_.spec()["leaseTransitions"], 0);
}

TEST_F(LeaseTest, WhoeverCannotRenewStopsBeforeOthersStart) {
  turn(one_);
  const std::uint64_t start = now_;
  for (; now_ < start + Lease::kDurationMs; now_ += 500) {
    EXPECT_EQ(one_.held(now_), now_ < start + Lease::kRenewMs);
    if (one_.take_due(now_, kWallUs)) {
      one_.settle(result_of(kube::Outcome::kNetwork, "away"), now_);
    }
  }
  EXPECT_EQ(one_.problem(), "away");
  pass(Lease::kRetryMs, {&one_});
  EXPECT_TRUE(one_.held(now_));
  EXPECT_EQ(one_.problem(), "");
}

TEST_F(LeaseTest, ADeletedLeaseIsMadeAnew) {
  turn(one_);
  cluster_.take_away();
  pass(3 * Lease::kRetryMs, {&one_});
  EXPECT_TRUE(one_.held(now_));
}

TEST_F(LeaseTest, AConflictMeansThatSomebodyElseMayHoldIt) {
  pass(3000, {&one_});
  const auto call = one_.take_due(now_ + Lease::kRetryMs, kWallUs);
  ASSERT_TRUE(call);
  one_.settle(result_of(kube::Outcome::kConflict), now_);
  EXPECT_FALSE(one_.held(now_));
  turn(one_);
  EXPECT_TRUE(one_.held(now_));
}

TEST_F(LeaseTest, AnAnswerThatIsNoLeaseGivesNothing) {
  for (const char* odd : {"null", "[]", "{}", "7", R"({"metadata": {"resourceVersion": 7}})",
                          R"({"metadata": "x", "spec": []})"}) {
    Lease lease({"sluice-system", "sluice-1"}, "");
    for (int asked = 0; asked < 3; ++asked, now_ += Lease::kRetryMs) {
      ASSERT_TRUE(lease.take_due(now_, kWallUs));
      kube::CallResult result = result_of(kube::Outcome::kOk);
      result.object = Json::parse(odd);
      lease.settle(result, now_);
    }
    EXPECT_FALSE(lease.held(now_)) << odd;
    EXPECT_EQ(lease.problem(), "the answer is no Lease") << odd;
  }
}

TEST_F(LeaseTest, HoldingItCostsOneWriteInTwoSeconds) {
  pass(60'000, {&one_});
  EXPECT_LE(cluster_.writes, 30);
}

TEST_F(LeaseTest, ItWakesTheLoopWhenItEndsAndWhenItIsDue) {
  EXPECT_EQ(one_.timeout_ms(now_), 0);
  turn(one_);
  EXPECT_EQ(one_.timeout_ms(now_), static_cast<int>(Lease::kRetryMs));
  ASSERT_TRUE(one_.take_due(now_ + Lease::kRetryMs, kWallUs));
  EXPECT_EQ(one_.timeout_ms(now_ + Lease::kRetryMs),
            static_cast<int>(Lease::kRenewMs - Lease::kRetryMs));
}

}  // namespace
}  // namespace sluice::source

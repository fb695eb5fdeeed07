#include "ngx_module/balance/endpoint_choice.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "ngx_module/balance/failure_memory.h"
#include "shared/arena/layout.h"
#include "shared/table/backend_tls.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::balance {
namespace {

table::EndpointAddress ipv4(std::uint8_t last_byte) {
  table::EndpointAddress endpoint;
  endpoint.port = 8080;
  endpoint.address = {10, 0, 0, last_byte};
  return endpoint;
}

class EndpointChoiceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(table_.mapping().take_slot({.instance = 1, .pid = 1, .module_version = 1}));
  }

  void put(const std::vector<table::EndpointAddress>& endpoints) {
    const auto ref = table_.endpoints().put("Backend/default/a", endpoints);
    ASSERT_TRUE(ref.has_value());
    ref_ = *ref;
    table_.mapping().enter();
  }

  // With endpoints that are reached over TLS. Returns the record, in the controller's own mapping.
  table::BackendTls* put_tls(const table::BackendTlsRule& rule) {
    const std::vector<table::EndpointAddress> endpoints = {ipv4(1), ipv4(2)};
    const auto ref = table_.endpoints().put("Backend/default/a", endpoints, rule);
    EXPECT_TRUE(ref.has_value());
    ref_ = *ref;
    table_.mapping().enter();
    const auto* const slots =
        reinterpret_cast<const table::EndpointSlot*>(table_.arena().endpoint_file());
    const auto at = [this](table::Offset offset) {
      return table_.arena().base() + std::size_t{offset} * 8;
    };
    const auto* const list =
        reinterpret_cast<const table::EndpointList*>(at(arena::word_offset(slots[ref_.slot].word)));
    return reinterpret_cast<table::BackendTls*>(at(list->tls));
  }

  Choice choose() {
    return choose_endpoint(table_.mapping(), ref_, {tried_, kNow, random_}, target_).choice;
  }

  std::map<int, int> choose_often(int times) {
    std::map<int, int> chosen;
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(choose(), Choice::kChosen);
      ++chosen[target_.endpoint.address[3]];
    }
    return chosen;
  }

  CounterRef counter_of(int last_byte) {
    for (int i = 0; i < 1000; ++i) {
      if (choose() == Choice::kChosen && target_.endpoint.address[3] == last_byte) {
        return {target_.endpoint.counter, target_.endpoint.counter_incarnation};
      }
    }
    ADD_FAILURE() << "never chosen: " << last_byte;
    return {};
  }

  static constexpr std::uint64_t kNow = 50000;
  table::TableFixture table_;
  table::SlotRef ref_;
  Tried tried_;
  Random random_{42};
  Target target_;
};

TEST_F(EndpointChoiceTest, IdleEndpointsShareAlike) {
  put({ipv4(1), ipv4(2), ipv4(3)});
  for (const auto& [endpoint, count] : choose_often(3000)) {
    EXPECT_GT(count, 850) << endpoint;
    EXPECT_LT(count, 1150) << endpoint;
  }
}

TEST_F(EndpointChoiceTest, OfTwoTheOneWithFewerRequestsAnswers) {
  put({ipv4(1), ipv4(2)});
  ASSERT_TRUE(table_.mapping().count_started(counter_of(1).line));
  EXPECT_EQ(choose_often(100), (std::map<int, int>{{2, 100}}));
}

TEST_F(EndpointChoiceTest, AFailedOneIsTriedLast) {
  put({ipv4(1), ipv4(2), ipv4(3)});
  note_failure(table_.mapping().counters_file(), counter_of(2), kNow);
  EXPECT_EQ(choose_often(300).count(2), 0U);
}

TEST_F(EndpointChoiceTest, TheOnlyOneIsTriedThoughItFailed) {
  put({ipv4(1)});
  note_failure(table_.mapping().counters_file(), counter_of(1), kNow);
  EXPECT_EQ(choose(), Choice::kChosen);
}

TEST_F(EndpointChoiceTest, AnUntriedFailedOneComesBeforeATriedOne) {
  put({ipv4(1), ipv4(2)});
  note_failure(table_.mapping().counters_file(), counter_of(2), kNow);
  ASSERT_EQ(choose(), Choice::kChosen);
  ASSERT_EQ(target_.endpoint.address[3], 1);
  tried_.add(target_);
  ASSERT_EQ(choose(), Choice::kChosen);
  EXPECT_EQ(target_.endpoint.address[3], 2);
}

TEST_F(EndpointChoiceTest, AllAreTriedBeforeOneIsTriedAgain) {
  put({ipv4(1), ipv4(2), ipv4(3), ipv4(4), ipv4(5)});
  std::map<int, int> chosen;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(choose(), Choice::kChosen);
    ++chosen[target_.endpoint.address[3]];
    tried_.add(target_);
  }
  EXPECT_EQ(chosen.size(), 5U);
}

TEST_F(EndpointChoiceTest, ADoubtedTryDoesNotCount) {
  put({ipv4(1)});
  ASSERT_EQ(choose(), Choice::kChosen);
  tried_.add(target_);
  tried_.doubt_last();
  EXPECT_FALSE(tried_.has(target_.endpoint));
  EXPECT_EQ(tried_.size(), 0U);
  EXPECT_EQ(choose(), Choice::kChosen);
}

TEST_F(EndpointChoiceTest, ADoubtedEndpointComesAfterTheOthersOnce) {
  // 502: a request whose kept connection a Pod closed when it ended went to the same Pod again.
  put({ipv4(1), ipv4(2), ipv4(3)});
  ASSERT_EQ(choose(), Choice::kChosen);
  const int doubted = target_.endpoint.address[3];
  tried_.add(target_);
  tried_.doubt_last();
  EXPECT_FALSE(choose_often(100).contains(doubted));
  ASSERT_EQ(choose(), Choice::kChosen);
  tried_.add(target_);
  tried_.doubt_last();
  EXPECT_TRUE(choose_often(100).contains(doubted));
}

TEST_F(EndpointChoiceTest, AnEmptyBackendHasNoEndpoints) {
  put({});
  EXPECT_EQ(choose(), Choice::kNoEndpoints);
  EXPECT_EQ(check_backend(table_.mapping(), ref_), Choice::kNoEndpoints);
}

TEST_F(EndpointChoiceTest, OnlyAKnownBackendTellsThatAnEndpointHasLeft) {
  put({ipv4(1), ipv4(2)});
  ASSERT_EQ(choose(), Choice::kChosen);
  const table::Endpoint chosen = target_.endpoint;
  EXPECT_FALSE(has_left(table_.mapping(), ref_, chosen));
  put({ipv4(3)});
  EXPECT_TRUE(has_left(table_.mapping(), ref_, chosen));
  put({});
  EXPECT_TRUE(has_left(table_.mapping(), ref_, chosen));
  ++ref_.incarnation;
  EXPECT_FALSE(has_left(table_.mapping(), ref_, chosen));
}

TEST_F(EndpointChoiceTest, AStrangersSlotIsGone) {
  put({ipv4(1)});
  ++ref_.incarnation;
  EXPECT_EQ(choose(), Choice::kGone);
  EXPECT_EQ(check_backend(table_.mapping(), ref_), Choice::kGone);
}

TEST_F(EndpointChoiceTest, ASlotOutsideTheFileIsGone) {
  put({ipv4(1)});
  ref_.slot = 0xffffffff;
  EXPECT_EQ(choose(), Choice::kGone);
}

TEST_F(EndpointChoiceTest, AUnixSocketComesWithItsPath) {
  table::EndpointAddress endpoint;
  endpoint.family = table::Family::kUnix;
  endpoint.path = "/run/app.sock";
  put({endpoint});
  ASSERT_EQ(choose(), Choice::kChosen);
  EXPECT_EQ(target_.path(), "/run/app.sock");
}

TEST_F(EndpointChoiceTest, AnEndpointComesWithHowItIsReached) {
  table::BackendTlsRule rule;
  rule.hostname = "a.example.com";
  rule.ca_certificates = "pem";
  put_tls(rule);
  const Chosen chosen = choose_endpoint(table_.mapping(), ref_, {tried_, kNow, random_}, target_);
  EXPECT_EQ(chosen.choice, Choice::kChosen);
  EXPECT_EQ(chosen.tls, table::backend_tls_bytes(rule));
  EXPECT_EQ(check_backend(table_.mapping(), ref_), Choice::kChosen);
}

TEST_F(EndpointChoiceTest, WithoutAnythingToVerifyWithNoEndpointIsChosen) {
  table::BackendTlsRule rule;
  rule.usable = false;
  rule.hostname = "a.example.com";
  put_tls(rule);
  EXPECT_EQ(choose(), Choice::kNoTrust);
  EXPECT_EQ(check_backend(table_.mapping(), ref_), Choice::kNoTrust);
}

TEST_F(EndpointChoiceTest, WhatTheClientSecuresItselfIsReachedWithoutThePolicy) {
  table::BackendTlsRule rule;
  rule.usable = false;
  rule.hostname = "a.example.com";
  put_tls(rule);
  const Chosen chosen =
      choose_endpoint(table_.mapping(), ref_, {tried_, kNow, random_, true}, target_);
  EXPECT_EQ(chosen.choice, Choice::kChosen);
  EXPECT_EQ(chosen.tls, "");
  EXPECT_EQ(check_backend(table_.mapping(), ref_, true), Choice::kChosen);
}

TEST_F(EndpointChoiceTest, ARecordThatMakesNoSenseIsNeverPlainText) {
  table::BackendTlsRule rule;
  rule.hostname = "a.example.com";
  table::BackendTls* const record = put_tls(rule);
  for (const std::uint32_t bytes : {0U, 23U, (1U << 24) + 1, 0xffffffffU}) {
    record->bytes = bytes;
    EXPECT_EQ(choose(), Choice::kGone) << bytes;
    EXPECT_EQ(check_backend(table_.mapping(), ref_), Choice::kGone) << bytes;
  }
}

}  // namespace
}  // namespace sluice::balance

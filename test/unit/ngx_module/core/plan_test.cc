#include "ngx_module/core/plan.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/match/lookup_context.h"
#include "shared/table/filter_reader.h"
#include "test/harness/heap_memory.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::core {
namespace {

table::Share share(const std::string& name, std::uint32_t weight, std::uint16_t status = 0) {
  return {status == 0 ? "Backend/" + name : "", name, weight, status};
}

std::vector<table::FilterType> filter_types(std::string_view list) {
  std::vector<table::FilterType> types;
  table::FilterReader reader(list);
  while (const auto filter = reader.next())
    types.push_back(filter->type);
  EXPECT_FALSE(reader.broken());
  return types;
}

class PlanTest : public testing::Test {
 protected:
  void SetUp() override { put_listener({}); }

  void put_listener(std::optional<table::CertificateSpec> client_certificate) {
    table::ListenerSpec listener;
    listener.id = 7;
    listener.gateway = "default/gw";
    listener.name = "http";
    listener.port = 80;
    listener.client_port = 8080;
    socket_.port = 8080;
    listener.sockets = {socket_};
    listener.client_certificate = std::move(client_certificate);
    table_.editor().put_listener(listener);
  }

  void put_rule(std::vector<table::Share> shares, table::RuleAction more = {}) {
    for (const table::Share& share : shares) {
      if (!share.backend.empty()) {
        ASSERT_TRUE(table_.endpoints().find_or_reserve(share.backend).has_value());
      }
    }
    auto action = std::make_shared<table::RuleAction>(std::move(more));
    action->route = "default/shop";
    action->rule = 3;
    action->rule_name = "cart";
    action->shares = std::move(shares);
    table::Rule rule;
    rule.path = "/cart";
    rule.action = action;
    table_.editor().put_route(7, {}, "HTTPRoute/default/shop", {rule});
    const Result<void> done = table_.editor().commit();
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }

  match::Match find(const table::Reader& reader, std::string_view path) {
    match::RequestView view;
    view.host = "a.example.com";
    view.path = path;
    view.method = table::kGet;
    match::GroupKey group;
    group.socket = socket_;
    return match::find_rule(reader, group, view, context_, nullptr);
  }

  Plan plan(std::string_view path, std::uint32_t draw = 0) {
    Plan made;
    const table::Reader reader = table_.reader();
    EXPECT_TRUE(make_plan(reader, find(reader, path), draw, memory_, made));
    return made;
  }

  table::TableFixture table_;
  table::SocketKey socket_;
  match::LookupContext context_;
  HeapMemory memory_;
};

TEST_F(PlanTest, CopiesAllNames) {
  put_rule({share("default/a:80", 1)});
  const Plan made = plan("/cart/1");
  EXPECT_EQ(made.reason, Reason::kNone);
  EXPECT_EQ(made.gateway, "default/gw");
  EXPECT_EQ(made.listener, "http");
  EXPECT_EQ(made.route, "default/shop");
  EXPECT_EQ(made.rule_name, "cart");
  EXPECT_EQ(made.rule, 3);
  EXPECT_EQ(made.backend, "default/a:80");
  EXPECT_EQ(made.client_port, 8080);
  EXPECT_EQ(made.generation, table_.editor().generation());
}

TEST_F(PlanTest, DrawsBackendsByWeight) {
  put_rule({share("default/a:80", 1), share("default/b:80", 0), share("default/c:80", 3)});
  std::map<std::string_view, int> drawn;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    ++drawn[plan("/cart", static_cast<std::uint32_t>(i << 20)).backend];
  }
  EXPECT_EQ(drawn["default/a:80"], 1024);
  EXPECT_EQ(drawn["default/c:80"], 3072);
  EXPECT_EQ(drawn.count("default/b:80"), 0U);
}

TEST_F(PlanTest, TheGreatestDrawStillFindsABackend) {
  put_rule({share("default/a:80", 1), share("default/b:80", 1)});
  EXPECT_EQ(plan("/cart", 0xffffffff).backend, "default/b:80");
}

TEST_F(PlanTest, AnInvalidBackendKeepsItsShareAndAnswers500) {
  put_rule({share("default/a:80", 1), share("default/none:80", 1, 500)});
  EXPECT_EQ(plan("/cart", 0).reason, Reason::kNone);
  const Plan made = plan("/cart", 0xffffffff);
  EXPECT_EQ(made.reason, Reason::kInvalidBackend);
  EXPECT_EQ(reason_status(made.reason), 500);
  EXPECT_EQ(made.backend, "default/none:80");
}

TEST_F(PlanTest, ARuleWithoutBackendsAnswers500) {
  put_rule({});
  EXPECT_EQ(plan("/cart").reason, Reason::kNoBackends);
  EXPECT_EQ(plan("/cart").route, "default/shop");
}

TEST_F(PlanTest, CopiesTheListenersOptionsWithAndWithoutARule) {
  table::ListenerSpec listener;
  listener.id = 7;
  listener.gateway = "default/gw";
  listener.name = "http";
  listener.sockets = {socket_};
  listener.options = {.trusted_proxies = {*http::parse_ip_network("10.0.0.0/8"),
                                          *http::parse_ip_network("2001:db8::/32")},
                      .max_body_bytes = 5'000'000'000,
                      .max_header_bytes = 4096,
                      .max_uri_bytes = 1024};
  table_.editor().put_listener(listener);
  put_rule({share("default/a:80", 1)});
  for (const char* path : {"/cart", "/other"}) {
    const Plan made = plan(path);
    ASSERT_EQ(made.trusted_proxies.size(), 2U) << path;
    EXPECT_EQ(made.trusted_proxies[1], *http::parse_ip_network("2001:db8::/32"));
    EXPECT_EQ(made.max_body_bytes, 5'000'000'000U);
    EXPECT_EQ(made.max_header_bytes, 4096U);
    EXPECT_EQ(made.max_uri_bytes, 1024U);
  }
}

TEST_F(PlanTest, WithoutARuleTheListenerIsStillNamed) {
  put_rule({share("default/a:80", 1)});
  const Plan made = plan("/other");
  EXPECT_EQ(made.reason, Reason::kNoRule);
  EXPECT_EQ(made.gateway, "default/gw");
  EXPECT_EQ(made.route, "");
}

TEST_F(PlanTest, AnAddressWithoutListenersIsKnown) {
  put_rule({share("default/a:80", 1)});
  socket_.port = 81;
  EXPECT_EQ(plan("/cart").reason, Reason::kNoListener);
}

TEST_F(PlanTest, SaysWhenThereIsNoMemory) {
  put_rule({share("default/a:80", 1)});
  memory_.refuse();
  Plan made;
  const table::Reader reader = table_.reader();
  EXPECT_FALSE(make_plan(reader, find(reader, "/cart"), 0, memory_, made));
}

TEST_F(PlanTest, CopiesFiltersOfTheRuleAndOfTheDrawnBackend) {
  table::Share first = share("default/a:80", 1);
  table::Share second = share("default/b:80", 1);
  second.protocol = table::BackendProtocol::kHttp2;
  table::UrlRewrite rewrite;
  rewrite.hostname = "b.example.com";
  second.filters = {rewrite};
  table::RuleAction more;
  more.filters = {table::RequestHeaderModifier{{{table::PartKind::kRemoveHeader, "X-Secret", ""}}}};
  put_rule({first, second}, more);
  const Plan of_first = plan("/cart", 0);
  EXPECT_EQ(filter_types(of_first.rule_filters),
            std::vector{table::FilterType::kRequestHeaderModifier});
  EXPECT_EQ(of_first.backend_filters, "");
  EXPECT_EQ(of_first.protocol, table::BackendProtocol::kHttp1);
  const Plan of_second = plan("/cart", 0xffffffff);
  EXPECT_EQ(of_second.rule_filters, of_first.rule_filters);
  EXPECT_EQ(filter_types(of_second.backend_filters), std::vector{table::FilterType::kUrlRewrite});
  EXPECT_EQ(of_second.protocol, table::BackendProtocol::kHttp2);
}

TEST_F(PlanTest, SaysWhatBackendsSeeOfTheGateway) {
  put_rule({share("default/a:80", 1)});
  EXPECT_EQ(plan("/cart").client_certificate, secret::BlobPlace());
  put_listener(table::CertificateSpec{"default/client", {1, 2}, 30, 400});
  put_rule({share("default/a:80", 1)});
  EXPECT_EQ(plan("/cart").client_certificate, (secret::BlobPlace{30, 400, {1, 2}}));
}

TEST_F(PlanTest, CopiesTimesAndRetries) {
  table::RuleAction more;
  more.request_timeout_ms = 500;
  more.backend_request_timeout_ms = table::kNoDeadline;
  more.retry = table::RetryRule{.attempts = 3, .backoff_ms = 20, .statuses = {400, 503}};
  put_rule({share("default/a:80", 1)}, more);
  const Plan made = plan("/cart/1");
  EXPECT_EQ(made.request_timeout_ms, 500U);
  EXPECT_EQ(made.backend_request_timeout_ms, table::kNoDeadline);
  ASSERT_TRUE(made.retry);
  EXPECT_EQ(made.retry->attempts, 3U);
  EXPECT_EQ(made.retry->backoff_ms, 20U);
  EXPECT_EQ(made.retry->statuses[0], 1U);
  EXPECT_EQ(made.retry->statuses[12], 1U << 7);
}

TEST_F(PlanTest, WithoutTimesAndRetriesNothingIsGiven) {
  put_rule({share("default/a:80", 1)});
  const Plan made = plan("/cart");
  EXPECT_EQ(made.request_timeout_ms, 0U);
  EXPECT_EQ(made.backend_request_timeout_ms, 0U);
  EXPECT_FALSE(made.retry);
  EXPECT_EQ(made.rule_filters, "");
}

// Answered without: filters, a listener's limits, the certificate that backends want to see.
TEST_F(PlanTest, WhatCannotBeReadAnswers500) {
  put_rule({share("default/a:80", 1)});
  const table::Reader reader = table_.reader();
  const match::Match good = find(reader, "/cart");
  constexpr table::Offset kOutside = 0xfffffff0;
  std::array<match::Match, 4> broken{good, good, good, good};
  broken[0].action.filters = 3;  // no list
  broken[1].action.filters = kOutside;
  broken[2].listener.options = kOutside;
  broken[3].listener.client_certificate = kOutside;
  for (const match::Match& match : broken) {
    Plan made;
    EXPECT_TRUE(make_plan(reader, match, 0, memory_, made));
    EXPECT_EQ(made.reason, Reason::kBadFilters) << &match - broken.data();
  }
}

TEST(ReasonTest, EachHasAStatusANameAndOneLine) {
  for (int i = 1; i <= static_cast<int>(Reason::kConnectFailed); ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_GE(reason_status(reason), 400) << i;
    EXPECT_FALSE(reason_name(reason).empty()) << i;
    EXPECT_EQ(reason_text(reason).find('\n'), reason_text(reason).size() - 1) << i;
  }
  EXPECT_EQ(reason_status(Reason::kNone), 0);
}

}  // namespace
}  // namespace sluice::core

#include "ngx_module/core/plan.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shared/match/lookup_context.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::core {
namespace {

class HeapMemory final : public Memory {
 public:
  char* take(std::size_t bytes) override {
    if (refusing_) return nullptr;
    return texts_.emplace_back(bytes, '\0').data();
  }

  void refuse() { refusing_ = true; }

 private:
  std::deque<std::string> texts_;
  bool refusing_ = false;
};

table::Share share(const std::string& name, std::uint32_t weight, std::uint16_t status = 0) {
  return {status == 0 ? "Backend/" + name : "", name, weight, status};
}

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    table::ListenerSpec listener;
    listener.id = 7;
    listener.gateway = "default/gw";
    listener.name = "http";
    listener.port = 80;
    listener.client_port = 8080;
    socket_.port = 8080;
    listener.sockets = {socket_};
    table_.editor().put_listener(listener);
  }

  void put_rule(std::vector<table::Share> shares) {
    for (const table::Share& share : shares) {
      if (!share.backend.empty()) {
        ASSERT_TRUE(table_.endpoints().find_or_reserve(share.backend).has_value());
      }
    }
    auto action = std::make_shared<table::RuleAction>();
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

  Plan plan(std::string_view path, std::uint32_t draw = 0) {
    Plan made;
    match::RequestView view;
    view.host = "a.example.com";
    view.path = path;
    view.method = table::kGet;
    match::GroupKey group;
    group.socket = socket_;
    const table::Reader reader = table_.reader();
    const match::Match match = match::find_rule(reader, group, view, context_, nullptr);
    EXPECT_TRUE(make_plan(reader, match, draw, memory_, made));
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
  match::RequestView view;
  view.path = "/cart";
  match::GroupKey group;
  group.socket = socket_;
  const table::Reader reader = table_.reader();
  const match::Match match = match::find_rule(reader, group, view, context_, nullptr);
  EXPECT_FALSE(make_plan(reader, match, 0, memory_, made));
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

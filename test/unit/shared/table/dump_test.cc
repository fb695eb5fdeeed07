#include "shared/table/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/table/dump_text.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DumpTest, SaysThatThereIsNoTable) {
  EXPECT_EQ(dump(Reader()), "no table\n");
}

TEST(DumpTest, ShowsAWholeTableInOrder) {
  TableFixture table;
  ListenerSpec spec = listener_spec(7, "http");
  SocketKey v6;
  v6.family = Family::kIpv6;
  v6.port = 8080;
  spec.sockets.push_back(v6);
  spec.client_port = 8080;
  table.editor().put_listener(spec);

  auto split = action_of(
      "default/store", {share_of("default/store-v1:80", 90), share_of("default/store-v2:80", 10)});
  Rule canary = with_header(prefix_rule("/api", split), "version", "one");
  canary.methods = kGet;
  canary.match = 1;
  canary.conditions.push_back({ConditionKind::kQueryExact, "a", "b c"});
  canary.conditions.push_back({ConditionKind::kQueryRegex, "d", "[0-9]+"});
  auto named = action_of("default/store", {share_of("default/store-v1:80")}, 1);
  named->rule_name = "the-rest";
  table.editor().put_route(7, wildcard_host("example.com"), "HTTPRoute/default/store",
                           {canary, prefix_rule("", named), exact_rule("/api", named)});
  table.editor().put_route(7, any_host(), "HTTPRoute/default/old",
                           {regex_rule("/old/.*", action_of("default/old"))});
  EndpointAddress address;
  address.port = 8080;
  address.address = {10, 0, 0, 1};
  ASSERT_TRUE(table.endpoints().put("Service/default/store-v1:80", {&address, 1}));

  EXPECT_EQ(table.committed(), R"(table v1
group 0.0.0.0:8080  tries any
group [::]:8080  tries any
group default/web  tries any
group default/web:80  tries any
listener default/web/http  *:80 client port 8080 -> [0.0.0.0:8080 [::]:8080] as [default/web default/web:80]
  tries *.(2) any
  host *.example.com  rules 3  exact depths 1  prefix depths 0 1
    prefix /  -> default/store rule 1 the-rest match 0 -> default/store-v1:80
    exact /api  -> default/store rule 1 the-rest match 0 -> default/store-v1:80
    prefix /api  GET  header version=one query a="b c" query d~[0-9]+  -> default/store rule 0 match 1 -> default/store-v1:80 w 90%, default/store-v2:80 w 10%
  host *  rules 1  exact depths -  prefix depths -
    regex /old/.*  -> default/old rule 0 match 0 -> 500
pattern /old/.*
pattern [0-9]+
)");
  DumpOptions options;
  options.endpoints = published_endpoints(table.mapping());
  EXPECT_THAT(dump(table.reader(), options),
              HasSubstr("backend default/store-v1:80 -> 10.0.0.1:8080\n"
                        "backend default/store-v2:80 ->\n"));
}

TEST(DumpTest, ShowsWhatARuleDoesBesideChoosingABackend) {
  TableFixture table;
  table.editor().put_listener(listener_spec(7, "http"));
  auto grpc = action_of("default/calls", {share_of("default/calls:9000")});
  grpc->route_kind = RouteKind::kGrpcRoute;
  grpc->shares[0].protocol = BackendProtocol::kHttp2;
  grpc->shares[0].filters = {RequestHeaderModifier{{{PartKind::kSetHeader, "X-A", "one two"},
                                                    {PartKind::kAddHeader, "X-B", "b"},
                                                    {PartKind::kRemoveHeader, "X-C", ""}}},
                             ResponseHeaderModifier{{{PartKind::kRemoveHeader, "Server", ""}}}};
  auto rewritten = action_of("default/web", {share_of("default/web:80")});
  rewritten->request_timeout_ms = 1500;
  rewritten->backend_request_timeout_ms = 500;
  rewritten->retry = RetryRule{2, 25, {500, 503, 599, 600, 399}};
  RequestMirror half{"Service/default/copy:80", "default/copy:80"};
  half.numerator = 50;
  RequestMirror none = half;
  none.numerator = 0;
  Cors cors;
  cors.allow_credentials = true;
  cors.allow_origins = {"https://*.example.com"};
  cors.allow_methods = {"GET"};
  cors.allow_headers = {"x-token"};
  cors.expose_headers = {"x-trace"};
  rewritten->filters = {UrlRewrite{"v2.example.com", PathEdit::kPrefix, "/v2"}, half, none, cors};
  auto moved = action_of("default/moved");
  moved->filters = {RequestRedirect{301, 8443, "https", "new.example.com", PathEdit::kFull, "/x"}};
  table.editor().put_route(
      7, any_host(), "HTTPRoute/default/all",
      {exact_rule("/calls", grpc), prefix_rule("/web", rewritten), prefix_rule("/moved", moved)});
  const std::string text = table.committed();
  EXPECT_THAT(text,
              HasSubstr("match 0 grpc -> default/calls:9000 http2 [request set X-A=\"one two\" "
                        "add X-B=b remove X-C] [response remove Server]\n"));
  EXPECT_THAT(text, HasSubstr("match 0 timeout 1500ms backend timeout 500ms retry 2 after 25ms 500 "
                              "503 599 [rewrite hostname v2.example.com prefix /v2] [mirror 50% to "
                              "default/copy:80] [cors max-age 5 credentials origin "
                              "https://*.example.com method GET header x-token expose x-trace] -> "
                              "default/web:80\n"));
  EXPECT_THAT(text, HasSubstr("[redirect 301 port 8443 scheme https hostname new.example.com path "
                              "/x] -> 500\n"));
}

TEST(DumpTest, LeavesPlacementOutUnlessAskedFor) {
  TableFixture table;
  table.editor().put_listener(listener_spec(7, "http"));
  EXPECT_THAT(table.committed(), Not(HasSubstr("generation")));
  DumpOptions options;
  options.placement = true;
  EXPECT_THAT(dump(table.reader(), options), HasSubstr("generation=1"));
}

TEST(DumpTextTest, QuotesWhatIsNoPlainWord) {
  EXPECT_EQ(quoted("a-b/c"), "a-b/c");
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a b"), "\"a b\"");
  EXPECT_EQ(quoted("a\"\\\n\xff"), R"("a\"\\\x0a\xff")");
}

TEST(DumpTextTest, WritesPartsOfTheDraws) {
  EXPECT_EQ(percent_text(std::uint64_t{1} << 32), "100%");
  EXPECT_EQ(percent_text((std::uint64_t{1} << 32) / 3), "33.3333%");
  EXPECT_EQ(percent_text(std::uint64_t{1} << 31), "50%");
  EXPECT_EQ(percent_text(0), "0%");
}

TEST(DumpTextTest, WritesMasks) {
  EXPECT_EQ(mask_text(0), "-");
  EXPECT_EQ(mask_text(0b101), "0 2");
  EXPECT_EQ(mask_text(std::uint64_t{1} << 63), "63+");
}

}  // namespace
}  // namespace sluice::table

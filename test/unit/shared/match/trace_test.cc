#include "shared/match/trace.h"

#include <gtest/gtest.h>

#include <string>

#include "test/unit/shared/match/world_builder.h"

namespace sluice::match {
namespace {

// One word per step: "listener-1", "host:x", "route=verdict".
std::string told(const Trace& trace) {
  std::string text;
  for (const TraceStep& step : trace.steps()) {
    if (!text.empty()) text += " ";
    switch (step.kind) {
      case TraceStep::Kind::kListener:
        text += step.gateway + "/" + step.listener;
        break;
      case TraceStep::Kind::kHostname:
        text += "host:" + step.hostname;
        break;
      case TraceStep::Kind::kCandidate:
        text += step.route + "=" + std::string(verdict_name(step.verdict));
        break;
    }
  }
  return text;
}

TEST(TraceTest, TellsEachCandidateInOrderAndWhyItLost) {
  WorldBuilder build;
  const std::uint32_t listener = build.listener();
  build.rule(listener, exact_host("a.com"), "exact", with_method(exact("/a/b"), table::kPost));
  build.rule(listener, exact_host("a.com"), "regex", regex("/x+"));
  build.rule(listener, wildcard_host("com"), "missing", with_header(prefix("/a/b"), "x-a", "1"));
  build.rule(listener, wildcard_host("com"), "query", with_query(prefix("/a/b"), "q", "1"));
  build.rule(listener, wildcard_host("com"), "root", prefix("/"));
  oracle::LiveTable table;
  table.put(build.world());
  oracle::Request request = get("a.com", "/a/b");
  request.query = "q=2";
  Trace trace;
  EXPECT_EQ(table.find(request, &trace).route, "ns/root");
  EXPECT_EQ(told(trace),
            "ns/gw/listener-1 host:a.com ns/exact=method ns/regex=path host:*.com "
            "ns/missing=header missing ns/query=query parameter differs ns/root=won");
  const TraceStep& query = trace.steps()[6];
  EXPECT_EQ(query.hostname, "*.com");
  EXPECT_EQ(query.path, "/a/b");
  EXPECT_EQ(query.name, "q");
  EXPECT_EQ(query.wanted, "1");
  EXPECT_EQ(query.found, "2");
  EXPECT_EQ(trace.steps().back().path, "/");
}

TEST(TraceTest, SeesTheCandidatesThatAnIndexWouldSkip) {
  WorldBuilder build;
  const std::uint32_t listener = build.listener();
  for (int i = 0; i < 30; ++i) {
    build.rule(listener, {}, std::to_string(i), with_header(prefix("/"), "x-a", std::to_string(i)));
  }
  oracle::LiveTable table;
  table.put(build.world());
  oracle::Request request = get("a.com", "/");
  request.headers = {{"x-a", "none"}};
  Trace trace;
  EXPECT_EQ(table.find(request, &trace).outcome, Outcome::kNoRule);
  EXPECT_EQ(trace.steps().size(), 2U + 30U);
  EXPECT_EQ(trace.steps()[2].verdict, Verdict::kHeaderDiffers);
  EXPECT_EQ(trace.steps()[2].found, "none");
}

}  // namespace
}  // namespace sluice::match

// A generated world in a live table, with requests, each checked against the linear scan first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "test/bench/bench_world.h"
#include "test/oracle/live_table.h"

namespace sluice::bench {

struct LoadedTable {
  LoadedTable(const Size& size, std::uint32_t request_count)
      : world(make_world(size)), requests(make_requests(world, request_count)), scan(world) {
    table.put(world);
    for (const oracle::Request& request : requests)
      bytes.emplace_back(request);
    for (std::size_t i = 0; i < requests.size(); ++i)
      check(requests[i], bytes[i].view());
  }

  match::Match find(std::size_t request) {
    return match::find_rule(table.reader(), requests[request].group, bytes[request].view(),
                            table.context(), nullptr);
  }

  oracle::World world;
  std::vector<oracle::Request> requests;
  std::vector<oracle::RequestBytes> bytes;
  LinearScan scan;
  oracle::LiveTable table;

 private:
  static constexpr std::size_t kChecked = 200;  // the scan of a large host takes long

  void check(const oracle::Request& request, const match::RequestView& view) {
    const table::Rule* expected = scan.find(view);
    const oracle::Answer found = table.find(request);
    const bool same = expected == nullptr ? found.outcome == match::Outcome::kNoRule
                                          : found.route == expected->action->route &&
                                                found.rule == expected->action->rule;
    if (same) return;
    std::fprintf(stderr, "wrong answer: %s: %s\n", describe(request).c_str(),
                 describe(found).c_str());
    std::abort();
  }
};

}  // namespace sluice::bench

// Time of a lookup, of the sorted linear scan, and of one change, at several sizes of the table.
// test/bench/table_bench.py runs it and prints ratios of medians.
#include <benchmark/benchmark.h>

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/bench/loaded_table.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t kWarmRequests = 256;
constexpr std::uint32_t kRandomRequests = 20'000;
constexpr benchmark::IterationCount kBatches = 100;  // of changes, in a repetition

struct Case {
  const char* name;
  Size size;
};

const Case kCases[] = {
    {"services-10/1", {Shape::kServices, 10, 1}},
    {"services-1k/100", {Shape::kServices, 1'000, 100}},
    {"services-100k/1k", {Shape::kServices, 100'000, 1'000}},
    {"services-1M/10k", {Shape::kServices, 1'000'000, 10'000}},
    {"one-host-100k", {Shape::kOneHost, 100'000, 1}},
    {"headers-only-1k", {Shape::kHeadersOnly, 1'000, 1}},
    {"services-100/10", {Shape::kServices, 100, 10}},
    {"services-40k/400", {Shape::kServices, 40'000, 400}},
};

// Built when the first benchmark that runs asks for it, shared by all of the case.
LoadedTable& loaded(const Case& which) {
  static std::map<const Case*, std::unique_ptr<LoadedTable>> tables;
  std::unique_ptr<LoadedTable>& entry = tables[&which];
  if (entry == nullptr) entry = std::make_unique<LoadedTable>(which.size, kRandomRequests);
  return *entry;
}

void lookup(benchmark::State& state, const Case& which, std::uint32_t requests) {
  LoadedTable& table = loaded(which);
  std::size_t next = 0;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(table.find(next));
    next = next + 1 == requests ? 0 : next + 1;
  }
  state.counters["bytes_per_rule"] =
      static_cast<double>(table.table.arena().live_bytes()) / which.size.rules;
}

void scan(benchmark::State& state, const Case& which, std::uint32_t requests) {
  LoadedTable& table = loaded(which);
  std::size_t next = 0;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(table.scan.find(table.bytes[next].view()));
    next = next + 1 == requests ? 0 : next + 1;
  }
}

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One route of up to eight rules gets another creation time: marked, written, published. An
// iteration is one change; they are timed in batches, without the making of the new values, and
// with the reuse of what they freed.
void change(benchmark::State& state, const Case& which) {
  constexpr std::size_t kBatch = 32;
  LoadedTable& table = loaded(which);
  const std::size_t routes = table.world.contributions.size();
  std::size_t next = 0;
  static std::int64_t clock = 1000;
  while (state.KeepRunning()) {
    std::vector<oracle::Contribution> batch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      next = (next + 7919) % routes;
      batch.push_back(table.world.contributions[next]);
      for (table::Rule& rule : batch.back().rules) {
        rule.created = ++clock;
      }
    }
    const double start = thread_cpu_seconds();
    for (oracle::Contribution& contribution : batch) {
      table.table.editor().put_route(contribution.listener, contribution.hostname,
                                     contribution.route, std::move(contribution.rules));
      table.table.commit();
    }
    table.table.arena().reclaim(static_cast<std::uint64_t>(clock) * 1000);
    state.SetIterationTime((thread_cpu_seconds() - start) / kBatch);
  }
}

void register_all() {
  for (const Case& which : kCases) {
    const std::string name = which.name;
    const bool only_changes = name == "services-100/10" || name == "services-40k/400";
    if (!only_changes) {
      const auto add = [&](const char* what, auto run, std::uint32_t requests) {
        benchmark::RegisterBenchmark((std::string(what) + ":" + name).c_str(), run, which,
                                     requests);
      };
      add("lookup-warm", lookup, kWarmRequests);
      add("scan-warm", scan, kWarmRequests);
      add("lookup-random", lookup, kRandomRequests);
      add("scan-random", scan, kRandomRequests);
    }
    if (which.size.shape != Shape::kServices) continue;
    benchmark::RegisterBenchmark(("change:" + name).c_str(), change, which)
        ->UseManualTime()
        ->Iterations(kBatches);
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

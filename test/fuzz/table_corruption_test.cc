// Readers trust nothing: whatever the bytes of a table say, also while they change, a lookup and a
// dump end soon and touch nothing outside the mapping. SLUICE_CORRUPTIONS sets how many tables are
// corrupted; SLUICE_CORRUPTION_FIRST starts at the one whose number a crash printed.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shared/match/matcher.h"
#include "shared/table/dump.h"
#include "test/fuzz/guarded_table.h"

namespace sluice::fuzz {
namespace {

using oracle::Random;

constexpr std::uint64_t kCiCorruptions = 100'000;
constexpr int kLookups = 8;          // per corrupted table
constexpr int kDumpEvery = 1000;     // tables
constexpr int kContextEvery = 1000;  // tables; then what was compiled is dropped
constexpr std::uint64_t kMostLookupMs = 500;
constexpr std::uint64_t kMostDumpMs = 5000;

std::uint64_t knob(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

volatile std::uint64_t running = 0;  // the number of the corrupted table

// Says which table it was; the number is printed from its end.
void on_crash(int signal_number) {
  char text[] = "\ncrashed on table 00000000000000000000\n";
  char* digit = text + sizeof text - 3;
  for (std::uint64_t rest = running; rest != 0; rest /= 10) {
    *digit-- = static_cast<char>('0' + rest % 10);
  }
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

std::uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// One table, requests for it, and what reading it while it is broken costs.
class Subject {
 public:
  Subject(Random& random, const oracle::WorldShape& shape)
      : is_relay_(shape.relays), world_(random_world(random, shape)) {
    oracle::LiveTable live;
    live.put(world_);
    table_ = std::make_unique<GuardedTable>(live);
    // Nearly all are requests that some rule answers: those read most.
    for (int i = 0; i < 100'000 && requests_.size() < 200; ++i) {
      oracle::Request request = random_request(random, world_, shape);
      if (is_served(live, request) || i < 10) requests_.push_back(std::move(request));
    }
    for (const oracle::Request& request : requests_) {
      bytes_.emplace_back(request);
    }
  }

  GuardedTable& table() { return *table_; }

  void look_up(Random& random) {
    if (context_ == nullptr || ++since_context_ % (kContextEvery * kLookups) == 0) {
      context_ = std::make_unique<match::LookupContext>();
    }
    const auto i = random.below(static_cast<std::uint32_t>(requests_.size()));
    const table::Reader reader = table_->reader();
    const std::uint64_t start = cpu_ns();
    const match::Match found =
        find_rule(reader, requests_[i].group, bytes_[i].view(), *context_, nullptr);
    sum_ += read_match(reader, found, random.below(0xffffffff));
    const match::Match relayed =
        find_relay_rule(reader, requests_[i].group, requests_[i].host, *context_, nullptr);
    sum_ += read_match(reader, relayed, random.below(0xffffffff));
    slowest_lookup_ns_ = std::max(slowest_lookup_ns_, cpu_ns() - start);
    ++outcomes_[static_cast<std::size_t>((is_relay_ ? relayed : found).outcome)];
  }

  void dump_all() {
    const std::uint64_t start = cpu_ns();
    sum_ += dump(table_->reader()).size();
    slowest_dump_ns_ = std::max(slowest_dump_ns_, cpu_ns() - start);
  }

  // Prints what happened and checks the times.
  void report(const char* name) const {
    std::printf(
        "%s: %zu KiB; matched %llu, no group %llu, no listener %llu, no rule %llu, "
        "broken %llu; slowest lookup %llu us, dump %llu us (%llu)\n",
        name, table_->bytes() / 1024, outcome(match::Outcome::kMatched),
        outcome(match::Outcome::kNoGroup), outcome(match::Outcome::kNoListener),
        outcome(match::Outcome::kNoRule), outcome(match::Outcome::kBroken),
        as_printable(slowest_lookup_ns_ / 1000), as_printable(slowest_dump_ns_ / 1000),
        as_printable(sum_));
    EXPECT_LT(slowest_lookup_ns_, kMostLookupMs * 1'000'000);
    EXPECT_LT(slowest_dump_ns_, kMostDumpMs * 1'000'000);
    EXPECT_GT(outcomes_[static_cast<std::size_t>(match::Outcome::kMatched)], 0u);
    EXPECT_GT(outcomes_[static_cast<std::size_t>(match::Outcome::kBroken)], 0u);
  }

 private:
  static unsigned long long as_printable(std::uint64_t number) { return number; }

  unsigned long long outcome(match::Outcome which) const {
    return outcomes_[static_cast<std::size_t>(which)];
  }

  bool is_relay_;
  oracle::World world_;  // the requests' group keys point into it
  std::unique_ptr<GuardedTable> table_;
  std::vector<oracle::Request> requests_;
  std::vector<oracle::RequestBytes> bytes_;
  std::unique_ptr<match::LookupContext> context_;
  int since_context_ = 0;
  std::uint64_t outcomes_[5] = {};
  std::uint64_t slowest_lookup_ns_ = 0;
  std::uint64_t slowest_dump_ns_ = 0;
  std::uint64_t sum_ = 0;
};

struct Shape {
  const char* name;
  oracle::WorldShape world;
};

// Few rules, so that a change hits what a lookup reads; long indexed nodes; many regexes; many
// rules; rules for connections.
constexpr Shape kShapes[] = {
    {"small", {.listeners = 2, .routes = 4}},
    {"indexed", {.listeners = 1, .routes = 60, .condition_percent = 95, .header_values = 30}},
    {"regexes", {.listeners = 1, .routes = 30, .regex_percent = 70}},
    {"large", {.listeners = 6, .routes = 200}},
    {"relays", {.listeners = 4, .routes = 6, .relays = true}},
};

class TableCorruptionTest : public ::testing::TestWithParam<Shape> {
 protected:
  TableCorruptionTest() {
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGABRT, on_crash);
  }

  ~TableCorruptionTest() override {
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) {
      signal(number, SIG_DFL);
    }
  }
};

TEST_P(TableCorruptionTest, ReadingACorruptTableEndsAndStaysInside) {
  const std::uint64_t corruptions = knob("SLUICE_CORRUPTIONS", kCiCorruptions);
  std::printf("SLUICE_CORRUPTIONS=%llu (shared by 5 kinds of tables)\n",
              static_cast<unsigned long long>(corruptions));
  Random world_random(7);
  Subject subject(world_random, GetParam().world);
  const auto many = static_cast<std::uint32_t>(64 + subject.table().words() / 64);
  const std::uint64_t first = knob("SLUICE_CORRUPTION_FIRST", 0);
  for (std::uint64_t number = first; number < corruptions / std::size(kShapes); ++number) {
    running = number;
    Random random(number);
    subject.table().corrupt(random, number % 2 == 0 ? 4 : many);
    for (int i = 0; i < kLookups; ++i) {
      subject.look_up(random);
    }
    if (number % kDumpEvery == 0) subject.dump_all();
    subject.table().restore();
  }
  subject.report(GetParam().name);
}

TEST_P(TableCorruptionTest, ReadingATableThatChangesEndsAndStaysInside) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "it races on purpose";
#endif
  const std::uint64_t corruptions = knob("SLUICE_CORRUPTIONS", kCiCorruptions);
  Random random(11);
  Subject subject(random, GetParam().world);
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> changes = 0;
  std::thread writer([&] {
    Random other(13);
    while (!done.load()) {
      subject.table().corrupt(other, 32);
      subject.table().restore();
      changes.fetch_add(1);
    }
  });
  // However the scheduler mixes the two.
  const std::uint64_t wanted = corruptions / (2 * std::size(kShapes));
  std::uint64_t lookups = 0;
  while (changes.load() < wanted || lookups < wanted) {
    subject.look_up(random);
    if (++lookups % 10'000 == 0) subject.dump_all();
  }
  done = true;
  writer.join();
  std::printf("%llu tables changed under %llu lookups\n",
              static_cast<unsigned long long>(changes.load()),
              static_cast<unsigned long long>(lookups));
}

INSTANTIATE_TEST_SUITE_P(Tables, TableCorruptionTest, ::testing::ValuesIn(kShapes),
                         [](const auto& shape) { return std::string(shape.param.name); });

}  // namespace
}  // namespace sluice::fuzz

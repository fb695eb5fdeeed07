// A lookup in a table with any bytes touches nothing outside the mapping and ends soon. The input
// says how the bytes of a good table change: one byte chooses the table, then seven for a change.
#include <time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "shared/match/matcher.h"
#include "test/fuzz/guarded_table.h"

namespace {

using sluice::fuzz::GuardedTable;
using sluice::oracle::Request;

constexpr std::size_t kChangeBytes = 7;
constexpr std::size_t kMostChanges = 64;
constexpr std::size_t kRequests = 8;
constexpr std::uint64_t kMostMs = 10'000;  // of one input, sanitizers included

// Few rules, so that a change hits what a lookup reads; long indexed nodes with regexes; and rules
// for connections.
constexpr std::array<sluice::oracle::WorldShape, 3> kShapes = {{
    {.listeners = 2, .routes = 4},
    {.listeners = 1,
     .routes = 30,
     .regex_percent = 30,
     .condition_percent = 90,
     .header_values = 20},
    {.listeners = 4, .routes = 6, .relays = true},
}};

void require(bool holds) {
  if (!holds) std::abort();
}

std::uint64_t cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

// A table, and requests that some rule of it answers: those read most.
class Subject {
 public:
  explicit Subject(const sluice::oracle::WorldShape& shape) {
    sluice::oracle::Random random(7);
    world_ = random_world(random, shape);
    sluice::oracle::LiveTable live;
    live.put(world_);
    table_ = std::make_unique<GuardedTable>(live);
    while (requests_.size() < kRequests) {
      Request request = random_request(random, world_, shape);
      if (sluice::fuzz::is_served(live, request)) requests_.push_back(std::move(request));
    }
  }

  void change(const std::uint8_t* bytes) {
    std::uint16_t place = 0;
    std::uint32_t value = 0;
    std::memcpy(&place, bytes + 1, sizeof(place));
    std::memcpy(&value, bytes + 3, sizeof(value));
    const std::size_t word = place % table_->words();
    switch (bytes[0] % 4) {
      case 0:
        return table_->change(word, value);
      case 1:
        return table_->change(word, table_->load(word) ^ (std::uint32_t{1} << value % 32));
      case 2:
        return table_->change(word, table_->load(word) + value);
      default:  // an offset or a count that leads somewhere
        return table_->change(word, table_->load(value % table_->words()));
    }
  }

  // A context of its own, so that an input means the same whatever came before it.
  std::uint64_t read() const {
    const auto context = std::make_unique<sluice::match::LookupContext>();
    const sluice::table::Reader reader = table_->reader();
    std::uint64_t sum = 0;
    std::uint32_t draw = 0;
    for (const Request& request : requests_) {
      const sluice::oracle::RequestBytes bytes(request);
      const auto found = find_rule(reader, request.group, bytes.view(), *context, nullptr);
      sum += sluice::fuzz::read_match(reader, found, draw);
      const auto relayed = find_relay_rule(reader, request.group, request.host, *context, nullptr);
      sum += sluice::fuzz::read_match(reader, relayed, draw);
      draw += 0xffffffff / kRequests;
    }
    return sum;
  }

  void restore() { table_->restore(); }

 private:
  sluice::oracle::World world_;  // the requests' group keys point into it
  std::unique_ptr<GuardedTable> table_;
  std::vector<Request> requests_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<Subject, kShapes.size()> subjects = {Subject(kShapes[0]), Subject(kShapes[1]),
                                                         Subject(kShapes[2])};
  static volatile std::uint64_t sum = 0;
  if (size == 0) return 0;
  Subject& subject = subjects[data[0] % subjects.size()];
  const std::uint64_t start = cpu_ms();
  for (std::size_t i = 0; i < kMostChanges && 1 + (i + 1) * kChangeBytes <= size; ++i) {
    subject.change(data + 1 + i * kChangeBytes);
  }
  sum = sum + subject.read();
  require(cpu_ms() - start < kMostMs);
  subject.restore();
  return 0;
}

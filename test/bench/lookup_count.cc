// Runs lookups between callgrind's toggles: instructions per lookup, without noise.
// Usage: valgrind --tool=callgrind --instr-atstart=no lookup_count table|scan SHAPE RULES HOSTS N
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/bench/loaded_table.h"

namespace {

using sluice::bench::Shape;

Shape shape_named(const char* name) {
  if (std::strcmp(name, "one-host") == 0) return Shape::kOneHost;
  if (std::strcmp(name, "headers-only") == 0) return Shape::kHeadersOnly;
  return Shape::kServices;
}

std::uint32_t number(const char* text) {
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: lookup_count table|scan SHAPE RULES HOSTS N\n", stderr);
    return 2;
  }
  const bool scan = std::strcmp(argv[1], "scan") == 0;
  const std::uint32_t count = number(argv[5]);
  sluice::bench::LoadedTable loaded({shape_named(argv[2]), number(argv[3]), number(argv[4])},
                                    count);
  std::uint64_t found = 0;
  CALLGRIND_START_INSTRUMENTATION;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (scan) {
      found += loaded.scan.find(loaded.bytes[i].view()) != nullptr ? 1 : 0;
    } else {
      found += loaded.find(i).outcome == sluice::match::Outcome::kMatched ? 1 : 0;
    }
  }
  CALLGRIND_STOP_INSTRUMENTATION;
  std::printf("%u lookups, %llu matched\n", count, static_cast<unsigned long long>(found));
  return 0;
}

// Decides among the entries of one path: methods, headers and query parameters, in precedence
// order, by the header index where there is one.
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing, but for a Trace and RE2.
// Fails: entries whose bytes make no sense match nothing and are remembered (broken()).
// Tested by: test/unit/shared/match/matcher_test.cc, test/property/match_random_test.cc
#pragma once

#include <cstdint>
#include <optional>

#include "shared/match/lookup_context.h"
#include "shared/match/matcher.h"
#include "shared/match/trace.h"
#include "shared/table/format.h"
#include "shared/table/reader.h"

namespace sluice::match {

// A run of entries inside a Node.
struct EntryRun {
  table::Offset node = 0;
  std::uint64_t skip_bytes = 0;  // from the node's start to the first entry
  std::uint32_t count = 0;
  table::Offset index = 0;  // HeaderIndex, or none
};

class EntryMatcher {
 public:
  EntryMatcher(const table::Reader& reader, std::uint64_t seed, const RequestView& request,
               LookupContext& context, Trace* trace)
      : reader_(reader), seed_(seed), request_(request), context_(context), trace_(trace) {}

  // The first entry of the run that fits the request.
  std::optional<table::Entry> first(const EntryRun& run);

  bool fits(const table::Entry& entry);

  bool broken() const { return broken_; }

  void note_broken() { broken_ = true; }

 private:
  std::optional<table::Entry> first_by_walk(const EntryRun& run);
  std::optional<table::Entry> first_by_index(const EntryRun& run);
  // Looks at the entries that a list of numbers names, as long as they come before `best`; lowers
  // `best` to the first one that fits. `list` holds `count` ascending numbers behind `skip_bytes`.
  void first_of_list(const EntryRun& run, table::Offset list, std::uint64_t skip_bytes,
                     std::uint32_t count, std::uint32_t& best);
  void probe_index(const EntryRun& run, const table::HeaderIndex& index, std::uint32_t name,
                   std::uint32_t& best);
  Verdict check(const table::Entry& entry);
  Verdict check_condition(const table::Condition& condition, std::string_view name,
                          std::string_view value);
  // Remembers for the trace why an entry lost. Returns the verdict.
  Verdict lose(Verdict verdict, std::string_view name, std::string_view wanted,
               std::string_view found);

  const table::Reader& reader_;
  std::uint64_t seed_;
  const RequestView& request_;
  LookupContext& context_;
  Trace* trace_;
  Loss loss_;
  bool broken_ = false;
};

}  // namespace sluice::match

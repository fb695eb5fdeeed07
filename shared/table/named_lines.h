// The lines of the file `counters` that something has by its name for as long as it is in the
// table, and what workers counted there.
//
// Each blob that names the line acquires it. With the last one's release the line is gone: the same
// name begins at zero when it comes again. A controller that takes over goes on with its
// predecessor's totals.
//
// Process: controller.   Thread: event loop.   Borrows the CounterLines.
// Tested by: test/unit/shared/table/editor_counters_test.cc
#pragma once

#include <cstdint>
#include <map>

#include "shared/arena/counter_ref.h"
#include "shared/base/result.h"
#include "shared/table/counter_lines.h"

namespace sluice::table {

// Name: copied, has an overload of identity_of(). Counter: of arena/layout.h.
template <class Name, class Counter>
class NamedLines {
 public:
  explicit NamedLines(CounterLines& lines) : lines_(lines) {}

  Result<arena::CounterRef> acquire(const Name& name) {
    const Result<arena::CounterRef> ref = lines_.acquire(identity_of(name));
    if (ref) names_.try_emplace(ref->line, name);
    return ref;
  }

  // REQUIRES: after the blob that named the line was unlinked.
  void release(std::uint32_t line) {
    if (lines_.forget(line)) names_.erase(line);
  }

  // Calls visit(name, counter) for each line.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [line, name] : names_)
      visit(name, lines_.read<Counter>(line));
  }

 private:
  CounterLines& lines_;
  std::map<std::uint32_t, Name> names_;
};

}  // namespace sluice::table

// Who depends on what, asked both ways: "which routes look at this Service?"
//
// Process: controller.   Thread: one.   Cost of set(): O(what changed * log n).
// Tested by: test/property/resolve_incremental_test.cc
#pragma once

#include <map>
#include <set>
#include <utility>

namespace sluice::resolve {

template <class Target, class Dependent>
class ReverseIndex {
 public:
  // Replaces what `dependent` looks at; an empty set forgets it.
  void set(const Dependent& dependent, std::set<Target> targets) {
    std::set<Target>& known = targets_[dependent];
    for (const Target& target : known) {
      if (!targets.contains(target)) drop(target, dependent);
    }
    for (const Target& target : targets) {
      if (!known.contains(target)) dependents_[target].insert(dependent);
    }
    known = std::move(targets);
    if (known.empty()) targets_.erase(dependent);
  }

  const std::set<Target>& targets_of(const Dependent& dependent) const {
    static const std::set<Target> none;
    const auto found = targets_.find(dependent);
    return found == targets_.end() ? none : found->second;
  }

  const std::set<Dependent>& dependents_of(const Target& target) const {
    static const std::set<Dependent> none;
    const auto found = dependents_.find(target);
    return found == dependents_.end() ? none : found->second;
  }

 private:
  void drop(const Target& target, const Dependent& dependent) {
    const auto found = dependents_.find(target);
    found->second.erase(dependent);
    if (found->second.empty()) dependents_.erase(found);
  }

  std::map<Dependent, std::set<Target>> targets_;
  std::map<Target, std::set<Dependent>> dependents_;
};

}  // namespace sluice::resolve

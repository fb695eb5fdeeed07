// In which order objects get their statuses: GatewayClasses, Gateways, ListenerSets, then the
// others; among these what was touched last comes first.
//
// Process: controller.   Thread: event loop.   Pure; logarithmic in the number of objects.
// Tested by: test/unit/controller/source/kube/status_queue_test.cc
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "controller/model/object.h"

namespace sluice::source {

class WriteOrder {
 public:
  struct Entry {
    int rank = 0;
    std::int64_t minus_touched = 0;  // counts touches
    model::ObjectKey key;

    std::strong_ordering operator<=>(const Entry&) const = default;
  };

  // The object's turn comes at `at_ms`, not before. It is there once: the last word counts.
  void touch(const model::ObjectKey& key, std::uint64_t at_ms);
  void put_back(const Entry& entry, std::uint64_t at_ms);  // among others it keeps its place

  // Whose turn it is; it is not there any more.
  std::optional<Entry> take(std::uint64_t now_ms);

  int timeout_ms(std::uint64_t now_ms) const;  // until there is something to take; -1: none

  bool empty() const { return at_.empty(); }

 private:
  struct Place {
    Entry entry;
    std::uint64_t at_ms = 0;
  };

  void remove(const model::ObjectKey& key);

  std::map<model::ObjectKey, Place> at_;
  std::set<Entry> ready_;
  std::set<std::pair<std::uint64_t, model::ObjectKey>> later_;
  std::int64_t touches_ = 0;
};

}  // namespace sluice::source

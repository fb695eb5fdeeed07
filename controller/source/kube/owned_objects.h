// Objects of the API server that are Sluice's own: made when they are wanted, repaired when their
// fields are others, removed when nothing wants them any more. What is there already is adopted.
//
// An object goes with its owner: that is the garbage collector's work, not ours.
//
// Process: controller.   Thread: event loop.   Pure: objects and time come in.
// Tested by: test/unit/controller/source/kube/owned_objects_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/source/kube/objects.h"

namespace sluice::source {

// A server-side apply of `fields` or, when that is null, a removal of the object with this UID.
struct OwnedWrite {
  model::ObjectKey key;
  nlohmann::json fields;
  std::string uid = {};
};

class OwnedObjects {
 public:
  static constexpr std::size_t kMostWrites = 4;
  // Between two writes of an object: somebody else may insist on other fields.
  static constexpr std::uint64_t kPauseMs = 1000;
  static constexpr std::uint64_t kLongestPauseMs = 30'000;

  explicit OwnedObjects(std::string controller_name)
      : controller_name_(std::move(controller_name)) {}

  // What the owner is to have, and nothing else of ours.
  void want(const model::ObjectKey& owner, std::map<model::ObjectKey, nlohmann::json> objects);
  // The owner is gone, or going.
  void forget(const model::ObjectKey& owner);

  // The object changed.
  void touch(const model::ObjectKey& key);
  // Removes it if it is ours and not wanted: it may be of an earlier process.
  void suspect(const model::ObjectKey& key);

  // Writes that may start now. Each is under way until its settle().
  std::vector<OwnedWrite> take(const KubeObjects& objects, std::uint64_t now_ms);
  // `done`: or there is nothing left to do it to.
  void settle(const model::ObjectKey& key, bool done);

  // Whether there is anything to do about it, now or later.
  bool tends(const model::ObjectKey& key) const { return items_.contains(key); }

  int timeout_ms(std::uint64_t now_ms) const;  // until take() has something to do; -1: none

 private:
  struct Item {
    std::optional<nlohmann::json> fields;  // none: not wanted
    bool dirty = true;
    bool under_way = false;
    std::uint64_t not_before_ms = 0;
    std::uint64_t pause_ms = 0;
  };

  // None: nothing is to be written. Sets `done` when nothing ever will be.
  std::optional<OwnedWrite> look_at(const model::ObjectKey& key, Item& item, const SeenObject* seen,
                                    bool& done) const;

  std::string controller_name_;
  std::map<model::ObjectKey, std::set<model::ObjectKey>> of_owner_;
  std::map<model::ObjectKey, Item> items_;
  std::size_t under_way_ = 0;
};

}  // namespace sluice::source

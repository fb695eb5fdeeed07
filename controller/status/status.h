// Findings + acknowledgements -> the status that a cluster would show.
//
// Rules (controller/doc/conditions.md): nothing turns True before every live worker has
// acknowledged a table that contains it; a condition that turns False is shown at once; a listener
// is Programmed when all its sockets are open in every worker; no worker at all for 1 s:
// Programmed=False/Pending; route conditions do not wait longer than that either. One
// revision per change of content; lastTransitionTime changes only with the condition's status.
//
// What is held back stays as it was shown (with its old observedGeneration), or Unknown/Pending
// when it is new. Everything else of a status (attachedRoutes, addresses) is shown at once.
//
// Process: controller, sluicectl check.   Thread: event loop.   Pure: time comes in.
// Cost of refresh(): what was put, released or (on news of workers and sockets) every Gateway
// and ListenerSet.
// Tested by: test/unit/controller/status/, test/golden
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/finding.h"

namespace sluice::status {

// What is known of the data plane.
struct DataPlane {
  bool any_worker = false;
  std::uint64_t acknowledged = 0;  // newest generation that every live worker has adopted
  // "0.0.0.0:8080" -> why it is not open everywhere; absent from both: not known yet.
  std::set<std::string> open_sockets;
  std::map<std::string, std::string> failed_sockets;
  bool listeners_on = true;  // false: no nginx has `sluice_listeners on;`
};

class StatusBook {
 public:
  explicit StatusBook(std::string controller_name);

  // `published` is the table generation that contains the findings. `before`: the status, as
  // JSON, that a cluster shows of an object that the book does not know yet; it goes on from there.
  void put(const resolve::SharedFindings& findings, std::uint64_t published, std::int64_t now_ms,
           const std::string& before = "");
  void remove(const model::ObjectKey& key);

  // Recomputes what put() and the data plane's news changed. Returns the objects whose shown status
  // is new or changed, those that lost it (remove()) included.
  std::vector<model::ObjectKey> refresh(const DataPlane& data_plane, std::int64_t now_ms);

  // `.status` of the object; null JSON when it has none (not ours, or a kind without status).
  nlohmann::json status_of(const model::ObjectKey& key) const;

  // Milliseconds until refresh() must be called again without news; -1: none.
  int timeout_ms(std::int64_t now_ms) const;

 private:
  struct Entry;

  // The waiting ones that may be shown as True now.
  std::set<model::ObjectKey> released(std::int64_t now_ms);
  // Returns whether what is shown changed.
  bool refresh_entry(const model::ObjectKey& key, std::int64_t now_ms);

  std::string controller_name_;
  DataPlane data_plane_;
  std::map<model::ObjectKey, std::shared_ptr<Entry>> entries_;
  std::set<model::ObjectKey> fresh_;  // put since the last refresh
  // Something is held back until workers have adopted the generation.
  std::set<std::pair<std::uint64_t, model::ObjectKey>> waiting_;
  std::int64_t patience_ends_ms_ = 0;  // of the first one that waits, while no worker lives
  std::set<model::ObjectKey> removed_;
};

}  // namespace sluice::status

// Where objects come from: files or (later) Kubernetes, behind one interface. A source yields
// batches of Changes.
//
// Process: controller.   Thread: event loop: fd() becomes readable when poll() has something to
// say. A batch is what must become visible together: one burst of file events, or one swap of a
// mounted ConfigMap's ..data.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"
#include "controller/model/store.h"
#include "controller/telemetry/metrics.h"

namespace sluice::source {

struct Batch {
  std::vector<model::Change> changes;
  std::vector<model::ObjectKey> records;  // Gateways whose status another controller wrote
  bool problems_changed = false;
  std::optional<model::InstalledApi> api;  // when it is another one than before
  bool waiting = false;                    // what was there at the start is not told as a whole yet
  bool outdated = false;                   // what was told is what an earlier process knew
};

class Source {
 public:
  virtual ~Source() = default;
  virtual int fd() const = 0;
  // Milliseconds until poll() wants to be called without an event; -1: none.
  virtual int timeout_ms() const = 0;
  // Reads what happened. An empty batch is normal.
  virtual Batch poll(std::uint64_t now_ms) = 0;
  // Looks at everything now, events or not: `sluicectl wait` must not race the write that it waits
  // for.
  virtual Batch rescan() = 0;
  virtual std::vector<model::Problem> problems() const = 0;  // all current ones, sorted

  // What an API server would prune or only note (unknown fields, ignored selectors), sorted.
  virtual std::vector<model::Problem> warnings() const { return {}; }

  // The accepted object as JSON text without status (metadata with namespace, generation and labels
  // filled in); "" if unknown.
  virtual std::string object_json(const model::ObjectKey& key) const = 0;
  virtual std::vector<std::string> ignored()
      const = 0;  // "apps/v1 Deployment default/web (web.yaml:1)", each once

  // What the source has as the object's status, JSON; "": nothing.
  virtual std::string status_text(const model::ObjectKey&) const { return ""; }

  // Which addresses of the pool a Gateway listens on; its shown status is told afterwards.
  virtual void show_addresses(const model::ObjectKey&, const std::vector<std::string>&) {}

  // The shown status of an object changed; null: it has none (any more). For sources that have a
  // place for it.
  virtual void show_status(const model::ObjectKey&, const nlohmann::json&) {}

  // Numbers of this source alone.
  virtual std::vector<metrics::Metric> metrics() const { return {}; }

  // The process is about to end: tells others so, if there are any. Takes a second at most.
  virtual void close(std::uint64_t /*now_ms*/) {}
};

}  // namespace sluice::source

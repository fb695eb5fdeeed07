// Writes statuses to the cluster, and Events about what they say new, while a Lease is held.
//
//   StatusWriter writer(client.calls(), objects, {...}, [&](Kind kind, json object) { put(...); });
//   writer.start(now_ms);                    // everything was listed
//   writer.show(key, status, now_ms);        // and touch(), when the object changed
//   writer.turn(now_ms);                     // starts what is due
//   for (result : calls.take_results()) writer.take(result, now_ms);
//
// Process: controller.   Thread: event loop.   Lifetime: borrows calls and objects.
// Tested by: test/unit/controller/source/kube/kube_test.cc, test/kube/test_controller.py
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/calls.h"
#include "controller/model/store.h"
#include "controller/source/kube/events.h"
#include "controller/source/kube/lease.h"
#include "controller/source/kube/objects.h"
#include "controller/source/kube/status_queue.h"
#include "controller/telemetry/metrics.h"

namespace sluice::source {

struct Writer {
  std::string controller_name;
  std::string identity;  // identity.h
  LeasePlace lease;
};

class StatusWriter {
 public:
  // An object is here that is newer than the one that the watch told.
  using Put = std::function<void(model::Kind, nlohmann::json)>;

  static constexpr std::uint64_t kLeftoversMs = 10'000;

  StatusWriter(kube::Calls& calls, const KubeObjects& objects, const Writer& writer, Put put);

  // Nothing is written before. What has no status of ours kLeftoversMs later has none: entries that
  // an earlier process wrote into objects that are not ours any more go then.
  void start(std::uint64_t now_ms);

  void touch(const model::ObjectKey& key, std::uint64_t now_ms);
  // Null: the object has no status of ours (any more).
  void show(const model::ObjectKey& key, const nlohmann::json& status, std::uint64_t now_ms);

  void turn(std::uint64_t now_ms);
  // Whether add_problems() says something else than before.
  bool take(const kube::CallResult& result, std::uint64_t now_ms);
  int timeout_ms(std::uint64_t now_ms) const;

  bool leads() const { return leads_; }

  // The last thing that is to be done: somebody else may lead from now on. None: there is nothing
  // to say.
  std::optional<kube::CallId> release(std::uint64_t now_ms);

  void add_obstacles(std::vector<std::string>& all) const;
  std::vector<metrics::Metric> metrics() const;
  void add_problems(std::vector<model::Problem>& all) const;

 private:
  struct Write {
    model::ObjectKey key;
    std::string before;  // the status, JSON; "": none
  };

  std::optional<nlohmann::json> shown(const model::ObjectKey& key) const;
  void withdraw_leftovers(std::uint64_t now_ms);
  void look_after_lease(std::uint64_t now_ms);
  void write_statuses(std::uint64_t now_ms);
  void write_events(std::uint64_t now_ms);
  bool take_answer(const Write& write, const kube::CallResult& result, std::uint64_t now_ms);
  void tell_news(const Write& write, const nlohmann::json& object, std::uint64_t now_ms);

  kube::Calls& calls_;
  const KubeObjects& objects_;
  std::string controller_name_;
  Put put_;
  Lease lease_;
  StatusQueue statuses_;
  Events events_;
  std::map<model::ObjectKey, std::string> shown_;  // JSON
  std::map<kube::CallId, Write> writes_;
  std::map<kube::CallId, std::uint64_t> event_calls_;
  std::optional<kube::CallId> lease_call_;
  std::map<model::ObjectKey, std::string> refusals_;
  std::map<std::string, std::uint64_t> written_;  // by outcome
  std::uint64_t leftovers_at_ms_ = 0;             // 0: not started, or done
  bool started_ = false;
  bool leads_ = false;
  bool all_known_ = false;
};

}  // namespace sluice::source

// The event loop: names the steps from a changed object to an acknowledged table, in order.
//
//   source -> store -> dns -> resolve -> publish -> keeper -> status -> report
//
// One thread, one epoll. Nothing in it waits: what takes time (nginx workers that compile patterns
// or acknowledge) is a state that the next turn looks at. controller/doc/pipeline.md tells the
// story of a change.
//
// Process: sluice-controller.   Fails: open() when a directory, socket or table can't be had; later
// failures are reported and tried again. Tested by: test/unit/controller/controller_test.cc,
// test/e2e
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/control/desk.h"
#include "controller/control/health.h"
#include "controller/control/server.h"
#include "controller/dns/follower.h"
#include "controller/keeper/keeper.h"
#include "controller/keeper/wanted_sockets.h"
#include "controller/kube/find_cluster.h"
#include "controller/model/store.h"
#include "controller/publish/publisher.h"
#include "controller/report/report.h"
#include "controller/resolve/resolve.h"
#include "controller/source/source.h"
#include "controller/status/status.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice {

struct ControllerOptions {
  std::string directory;  // of manifests; "": objects come from the cluster instead
  kube::ClusterChoice cluster;
  bool snapshot_secrets = false;  // of the cluster, kept on disk
  std::string state_directory;
  std::string table_directory;
  resolve::Options resolve;
  std::string dns_server;                              // "127.0.0.1:5353"; "": the system's
  std::string health_address;                          // "0.0.0.0:8081"; "": none
  std::uint32_t gid = static_cast<std::uint32_t>(-1);  // of sockets and tables; -1: our own
};

class Controller {
 public:
  // Blocks SIGTERM and SIGINT in this thread and those it starts.
  static Result<std::unique_ptr<Controller>> open(const ControllerOptions& options);
  // Serves until SIGTERM or SIGINT. Workers keep serving the last table afterwards.
  Result<void> run();

 private:
  // What open() makes, in the order in which it must go away again.
  struct Parts {
    UniqueFd signals;
    UniqueFd epoll;
    std::unique_ptr<publish::Publisher> table;
    std::unique_ptr<source::Source> source;
    std::unique_ptr<dns::Follower> names;
    std::unique_ptr<keeper::Keeper> keeper;
    std::unique_ptr<control::Server> server;
    std::unique_ptr<control::Server> health;  // null: no port was asked for
  };

  Controller(const ControllerOptions& options, Parts parts);

  void turn();
  void look_at_source();
  void take(const source::Batch& batch);
  void look_up_names();
  bool waits_for_names() const;
  void resolve_changes();
  void report_problems();
  void adopt_addresses(const model::Gateway& gateway);
  void go_on_publishing();
  void after_publishing(Result<publish::Stage> stage);
  void hand_over_findings(std::uint64_t generation);
  void talk_to_workers();
  void show_status();
  void answer_requests();
  void report_news();
  control::Progress progress() const;
  std::string why_not_ready() const;
  control::Health health() const;
  int timeout_ms() const;
  void watch_source(bool on);

  Parts parts_;
  std::string controller_name_;
  model::Store store_;
  resolve::Resolver resolver_;
  status::StatusBook book_;
  keeper::WantedSockets wanted_;
  report::Report report_;
  control::Desk desk_;

  std::uint64_t now_ms_ = 0;  // CLOCK_MONOTONIC
  // Not in the table; null: gone.
  std::map<model::ObjectKey, resolve::SharedFindings> findings_;
  std::vector<model::Change> unresolved_;  // in the store, but not told to the resolver
  std::string obstacle_;
  std::uint64_t announced_ = 0;
  bool started_ = false;   // the source was read once
  bool outdated_ = false;  // and told what an earlier process knew
  bool resolved_ = false;  // and resolved
  bool adopted_ = false;   // addresses of Gateways are others by what another controller wrote
  bool api_changed_ = false;
  bool ready_ = false;  // and answered by
  bool problems_changed_ = true;
  bool wanted_changed_ = true;
  bool status_is_stale_ = true;
  bool source_watched_ = true;
};

}  // namespace sluice

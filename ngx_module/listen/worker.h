// What one worker keeps for all its requests: the mapped table, compiled patterns, random numbers,
// the run-time listeners and the keeper connection. A 100 ms timer looks after them.
//
// A table that is absent, too new or replaced is looked for again at each tick, so that nginx and
// the controller may start in any order. With the keeper away the worker binds the table's sockets
// itself: plainly, so that "in use" means that a sibling serves.
//
// Process: nginx worker, from init_process on.   Thread: event loop.   Lifetime: until the process
// ends. Fails: never stops a worker; what is wrong is logged once.
// Tested by: test/e2e/test_listeners.py, test/e2e/test_kills.py
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "ngx_module/balance/random.h"
#include "ngx_module/listen/core_conf.h"
#include "ngx_module/listen/datagrams.h"
#include "ngx_module/listen/keeper_client.h"
#include "ngx_module/listen/listeners.h"
#include "ngx_module/listen/nginx.h"
#include "shared/arena/read_mapping.h"
#include "shared/base/unique_fd.h"
#include "shared/match/lookup_context.h"
#include "shared/secret/blob.h"

namespace sluice::listen {

class Worker final : public KeeperClient::Owner {
 public:
  static bool start(ngx_cycle_t* cycle, const CoreConf& conf);
  static void stop();
  static Worker* current();  // null outside a worker that uses the table

  // Null: none yet. Must not be kept past the callback.
  arena::ReadMapping* table() { return table_.get(); }

  // The same for a request to be planned, which doesn't wait for the next tick to find a table that
  // was made since the last one.
  arena::ReadMapping* table_for_request();

  // A certificate's bytes, by whatever way this worker has to the file. Fails: kUnavailable.
  Result<secret::Bytes> read_secret(const secret::BlobPlace& place) const;

  // Changes whenever table() becomes another one: what was counted in the old one is not the new
  // one's.
  std::uint64_t table_serial() const { return table_serial_; }

  match::LookupContext& lookup() { return lookup_; }

  balance::Random& random() { return random_; }

  void on_keeper_message(keeper::Message& message) override;

 private:
  Worker(ngx_cycle_t* cycle, const CoreConf& conf);

  static void on_tick(ngx_event_t* event);
  void tick();
  void follow_table();
  void open_table();
  void adopt();
  void look_after_keeper();
  void greet();
  void bind_missing();
  void serve(keeper::Message& message);
  void complain(const std::string& problem);

  ngx_cycle_t* cycle_;
  const CoreConf& conf_;
  ngx_event_t tick_{};
  ngx_connection_t tick_connection_{};  // nginx's debug log looks at its descriptor

  std::unique_ptr<arena::ReadMapping> table_;
  std::uint64_t table_serial_ = 1;
  std::uint64_t acknowledged_ = 0;  // generations that the keeper knows of
  std::uint64_t said_warm_ = 0;
  bool warming_ = false;
  match::LookupContext lookup_;
  balance::Random random_ = balance::Random::from_kernel();

  UniqueFd given_secrets_;   // by the keeper
  UniqueFd opened_secrets_;  // by this worker, when it may

  Listeners listeners_;
  Datagrams datagrams_;
  KeeperClient keeper_;
  std::set<std::string> complained_;  // said already; said again after things were in order
};

}  // namespace sluice::listen

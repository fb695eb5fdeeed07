// Brings changes into the shared table, in the order that lets no request see a half of one.
//
// Endpoints and certificates first; then new patterns, committed alone so that workers compile them
// outside requests; then, once they are warm or kPatienceMs have passed, listeners and rules in one
// commit; then what is gone: slots of backends, certificates. Nothing here waits: publish() returns
// kWarming and the event loop calls resume(). A change that finds no room is kept: the arena is
// compacted, and if that does not help the published table stays and the change is tried again, at
// first after a second.
//
// The first publish() after open() takes over from a predecessor: everything is written beside the
// published table and the root swings once. It must carry all objects.
//
// Process: controller; sluicectl for a table of its own.   Thread: event loop.
// Owns: the Arena, the EndpointTable, the SecretFile, the Editor and the Compiler.
// Fails: open() with Errc::kConflict when another controller holds the directory.
// Order and reasons: controller/doc/pipeline.md
// Tested by: test/unit/controller/publish/publisher_test.cc
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/compile/compile.h"
#include "controller/resolve/delta.h"
#include "shared/arena/arena.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/secret/secret_file.h"
#include "shared/table/editor.h"
#include "shared/table/endpoints.h"

namespace sluice::publish {

enum class Stage {
  kDone,     // everything given so far is in the published table
  kWarming,  // workers compile new patterns: resume() goes on
};

class Publisher {
 public:
  static constexpr std::uint64_t kPatienceMs = 1000;  // for workers that compile patterns

  static Result<std::unique_ptr<Publisher>> open(const arena::ArenaOptions& options);

  // On an error the delta is kept; resume() tries again.
  Result<Stage> publish(const resolve::Delta& delta, std::uint64_t now_ms);
  // Goes on with what waits: for patterns (`warm`: every worker has those of warming()), or for
  // room. Nothing waits: kDone.
  Result<Stage> resume(bool warm, std::uint64_t now_ms);

  bool idle() const { return waiting_ == Waiting::kForNothing; }

  bool waits_for_workers() const { return waiting_ == Waiting::kForWorkers; }

  // The pattern generation that workers should compile.
  std::uint64_t warming() const { return warming_; }

  // Milliseconds until resume() or tidy() has something to do; -1: never.
  int timeout_ms(std::uint64_t now_ms) const;

  // Heartbeat, reclaiming, counts of dead workers, compaction. Cheap; call it every turn.
  void tidy(std::uint64_t now_ms);

  std::uint64_t generation() const { return editor_.generation(); }

  const arena::Arena& arena() const { return *arena_; }

  const table::TableCounters& counters() const { return endpoints_->counters(); }

  // A descriptor by which workers read certificates.
  Result<UniqueFd> open_secrets() const { return secrets_->open_for_readers(); }

  // Messages for people since the last call.
  std::vector<std::string> take_news();

 private:
  enum class Waiting { kForNothing, kForWorkers, kForRoom };

  struct Files {
    std::unique_ptr<arena::Arena> arena;
    std::unique_ptr<table::EndpointTable> endpoints;
    std::unique_ptr<secret::SecretFile> secrets;
  };

  Publisher(Files files, std::uint64_t hash_seed);

  Result<Stage> begin(std::uint64_t now_ms);
  Result<Stage> finish(std::uint64_t now_ms);
  Result<Stage> keep_for_later(Result<void>&& failed, std::uint64_t now_ms);
  template <class Work>
  Result<void> with_room(Work work);
  void compact_if_wanted(std::uint64_t now_ms);

  std::unique_ptr<arena::Arena> arena_;
  std::unique_ptr<table::EndpointTable> endpoints_;
  std::unique_ptr<secret::SecretFile> secrets_;
  table::Editor editor_;
  compile::Compiler compiler_;

  resolve::Delta pending_;
  Waiting waiting_ = Waiting::kForNothing;
  bool took_over_ = false;
  std::uint64_t warming_ = 0;
  std::uint64_t deadline_ms_ = 0;  // of what is waited for
  std::uint64_t next_second_ms_ = 0;
  std::uint64_t next_compaction_ms_ = 0;
  Error last_error_;  // of what is kept for later
  std::uint64_t retry_ms_ = 0;
  std::vector<std::string> news_;
};

}  // namespace sluice::publish

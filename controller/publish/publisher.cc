#include "controller/publish/publisher.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "controller/publish/merge.h"
#include "shared/arena/paths.h"
#include "shared/base/timeout.h"

namespace sluice::publish {
namespace {

constexpr std::uint64_t kRetryMs = 1000;
constexpr std::uint64_t kSlowestRetryMs = 8000;     // trying costs as much as what is not published
constexpr std::uint64_t kReclaimMs = 100;           // while memory waits for workers
constexpr std::uint64_t kNextCompactionMs = 10000;  // after one that failed

Result<std::uint64_t> random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) return fail_errno("getrandom");
  return seed;
}

}  // namespace

Publisher::Publisher(Files files, std::uint64_t hash_seed)
    : arena_(std::move(files.arena)),
      endpoints_(std::move(files.endpoints)),
      secrets_(std::move(files.secrets)),
      editor_(*arena_, *endpoints_, hash_seed),
      compiler_(editor_, *endpoints_, *secrets_) {}

Result<std::unique_ptr<Publisher>> Publisher::open(const arena::ArenaOptions& options) {
  Result<std::uint64_t> seed = random_seed();
  if (!seed) return propagate(std::move(seed), "seeding the table's hash");
  Result<std::unique_ptr<arena::Arena>> arena = arena::Arena::open(options);
  if (!arena) return propagate(std::move(arena), "opening the table in " + options.directory);
  Result<std::unique_ptr<table::EndpointTable>> endpoints = table::EndpointTable::open(**arena);
  if (!endpoints) return propagate(std::move(endpoints), "opening the endpoints");
  // The arena's lock is held: nobody else writes the file.
  Result<std::unique_ptr<secret::SecretFile>> secrets =
      secret::SecretFile::open(arena::table_file(options.directory, "secret"));
  if (!secrets) return propagate(std::move(secrets), "opening the certificates");
  Files files{std::move(*arena), std::move(*endpoints), std::move(*secrets)};
  return std::unique_ptr<Publisher>(new Publisher(std::move(files), *seed));
}

Result<Stage> Publisher::publish(const resolve::Delta& delta, std::uint64_t now_ms) {
  merge(pending_, delta);
  if (waiting_ == Waiting::kForRoom) return resume(true, now_ms);
  return begin(now_ms);
}

Result<Stage> Publisher::resume(bool warm, std::uint64_t now_ms) {
  switch (waiting_) {
    case Waiting::kForNothing:
      return Stage::kDone;
    case Waiting::kForWorkers:
      if (!warm && now_ms < deadline_ms_) return Stage::kWarming;
      if (!warm) news_.push_back("some nginx worker is still compiling regular expressions");
      return finish(now_ms);
    case Waiting::kForRoom:
      if (now_ms < deadline_ms_) return tl::unexpected<Error>(last_error_);
      return begin(now_ms);
  }
  return Stage::kDone;
}

Result<Stage> Publisher::begin(std::uint64_t now_ms) {
  Result<void> done = with_room([this] { return compiler_.apply_endpoints(pending_); });
  if (done) done = compiler_.apply_certificates(pending_);
  if (!done) return keep_for_later(std::move(done), now_ms);
  // A table with nothing but patterns must never replace a predecessor's.
  if (!compiler_.apply_patterns(pending_) || !took_over_) return finish(now_ms);
  done = with_room([this] { return editor_.commit(); });
  if (!done) return keep_for_later(std::move(done), now_ms);
  warming_ = editor_.generation();
  waiting_ = Waiting::kForWorkers;
  deadline_ms_ = now_ms + kPatienceMs;
  return Stage::kWarming;
}

Result<Stage> Publisher::finish(std::uint64_t now_ms) {
  compiler_.apply_rules(pending_);
  resolve::Delta gone;
  gone.backends_gone = std::move(pending_.backends_gone);
  pending_ = std::move(gone);  // the Editor remembers the rest, also when it can't publish it
  Result<void> done = with_room([this] { return editor_.commit(); });
  if (!done) return keep_for_later(std::move(done), now_ms);
  compiler_.release(pending_, now_ms);
  pending_ = {};
  if (!took_over_) secrets_->drop_unclaimed(now_ms);
  took_over_ = true;
  waiting_ = Waiting::kForNothing;
  retry_ms_ = 0;
  return Stage::kDone;
}

Result<Stage> Publisher::keep_for_later(Result<void>&& failed, std::uint64_t now_ms) {
  waiting_ = Waiting::kForRoom;
  retry_ms_ = std::clamp(retry_ms_ * 2, kRetryMs, kSlowestRetryMs);
  deadline_ms_ = now_ms + retry_ms_;
  last_error_ = std::move(failed.error());
  if (last_error_.code == Errc::kFull) {
    last_error_.message = "no room for the table: " + last_error_.message;
  }
  return tl::unexpected<Error>(last_error_);
}

// Tries once more after a compaction when there was no room.
template <class Work>
Result<void> Publisher::with_room(Work work) {
  Result<void> done = work();
  if (done || done.error().code != Errc::kFull) return done;
  endpoints_->collect();
  if (!editor_.compact()) return done;
  return work();
}

void Publisher::tidy(std::uint64_t now_ms) {
  arena_->reclaim(now_ms);
  if (now_ms >= next_second_ms_) {
    next_second_ms_ = now_ms + 1000;
    arena_->beat(now_ms);
    arena_->settle_dead_workers();
    secrets_->tidy(now_ms);
  }
  if (took_over_ && idle()) compact_if_wanted(now_ms);
}

void Publisher::compact_if_wanted(std::uint64_t now_ms) {
  if (now_ms < next_compaction_ms_ || !arena_->wants_compaction()) return;
  endpoints_->collect();
  const Result<void> done = editor_.compact();
  if (done) return;
  next_compaction_ms_ = now_ms + kNextCompactionMs;
  if (done.error().code == Errc::kUnavailable) return;  // workers still read the other segment
  news_.push_back("compacting the table: " + done.error().message);
}

int Publisher::timeout_ms(std::uint64_t now_ms) const {
  std::uint64_t next = next_second_ms_;
  if (waiting_ != Waiting::kForNothing) next = std::min(next, deadline_ms_);
  if (arena_->limbo_bytes() > 0) next = std::min(next, now_ms + kReclaimMs);
  return timeout_until(next, now_ms);
}

std::vector<std::string> Publisher::take_news() {
  return std::exchange(news_, {});
}

}  // namespace sluice::publish

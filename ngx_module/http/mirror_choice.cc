#include "ngx_module/http/mirror_choice.h"

#include "ngx_module/http/pool_text.h"
#include "ngx_module/listen/worker.h"
#include "ngx_module/tls/backend_context.h"

namespace sluice::http_module {

namespace {

// A choice is repeated when the controller reused memory under a worker that was stopped meanwhile.
constexpr int kMaxRepeats = 4;

const char* obstacle_of(balance::Choice choice) {
  switch (choice) {
    case balance::Choice::kChosen:
      return nullptr;
    case balance::Choice::kNoTrust:
      return "the mirror's BackendTLSPolicy has nothing to verify it with";
    case balance::Choice::kGone:
    case balance::Choice::kNoEndpoints:
      break;
  }
  return "the mirror has no endpoint";
}

MirrorChoice failed(const char* why) {
  MirrorChoice choice;
  choice.obstacle = why;
  return choice;
}

}  // namespace

MirrorChoice choose_mirror(table::SlotRef backend, const MirrorTerms& terms, ngx_pool_t* pool) {
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) return failed("there is no table");
  for (int i = 0; i < kMaxRepeats; ++i) {
    MirrorChoice mirror;
    const arena::Snapshot snapshot = worker->table()->enter();
    const balance::Chosen chosen = balance::choose_endpoint(
        *worker->table(), backend, {balance::Tried{}, ngx_current_msec, worker->random()},
        mirror.target);
    const bool encrypted = !chosen.tls.empty();
    std::string_view record;
    if (encrypted) {
      mirror.tls =
          tls::BackendContext::find({chosen.tls, terms.protocol, terms.client_certificate});
      if (mirror.tls == nullptr) record = join_copy(pool, {chosen.tls});
    }
    if (!worker->table()->unmoved(snapshot)) continue;
    mirror.obstacle = obstacle_of(chosen.choice);
    if (mirror.obstacle != nullptr || !encrypted || mirror.tls != nullptr) return mirror;
    if (record.data() == nullptr) return failed("out of memory");
    mirror.tls =
        tls::BackendContext::make({record, terms.protocol, terms.client_certificate}, pool->log);
    return mirror.tls == nullptr ? failed("TLS can't be set up") : mirror;
  }
  return failed("the table is moving");
}

}  // namespace sluice::http_module

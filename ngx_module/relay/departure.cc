#include "ngx_module/relay/departure.h"

#include "ngx_module/endpoint/attempt.h"
#include "ngx_module/listen/datagrams.h"
#include "ngx_module/listen/worker.h"
#include "ngx_module/relay/relay.h"

namespace sluice::relay {

namespace {

// In the process, not in static objects with destructors: nginx may unload the library.
ngx_queue_t sessions;
ngx_event_t look_event;
ngx_connection_t look_connection;

bool has_departed(const Relay& relay) {
  listen::Worker* const worker = listen::Worker::current();
  return worker != nullptr && endpoint::has_left(*worker, relay.plan->plan.slot, relay);
}

void look(ngx_event_t* event) {
  for (ngx_queue_t* each = ngx_queue_head(&sessions); each != &sessions;) {
    auto& session = *reinterpret_cast<FollowedSession*>(each);
    each = ngx_queue_next(each);
    const bool departed = has_departed(*session.relay);
    if (departed && session.departed) {
      listen::end_session(session.client);
    } else {
      session.departed = departed;
    }
  }
  if (!ngx_queue_empty(&sessions)) ngx_add_timer(event, kLookMs);
}

void begin_to_look() {
  if (look_event.handler == nullptr) {
    ngx_queue_init(&sessions);
    look_connection.fd = static_cast<ngx_socket_t>(-1);
    look_event.data = &look_connection;
    look_event.log = ngx_cycle->log;
    look_event.handler = look;
    look_event.cancelable = 1;  // never delays a graceful exit
  }
  if (!look_event.timer_set) ngx_add_timer(&look_event, kLookMs);
}

}  // namespace

void follow_session(Relay& relay, ngx_connection_t* client) {
  begin_to_look();
  relay.followed = {.link = {}, .relay = &relay, .client = client, .departed = false};
  ngx_queue_insert_tail(&sessions, &relay.followed.link);
}

void forget_session(FollowedSession& session) {
  if (session.relay == nullptr) return;
  ngx_queue_remove(&session.link);
  session.relay = nullptr;
}

}  // namespace sluice::relay

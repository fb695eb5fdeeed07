// One copy of a request on its way to one mirror.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: until the answer ended, kMirrorLifeMs
// passed or the connection failed; a graceful exit waits for it.
#pragma once

#include <string_view>

#include "ngx_module/http/mirror_choice.h"
#include "ngx_module/http/mirror_frames.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

inline constexpr ngx_msec_t kMirrorLifeMs = 30'000;

struct MirrorDelivery {
  ngx_peer_connection_t peer;
  sockaddr_storage address;
  ngx_str_t name;
  ngx_log_t log;
  ngx_event_t deadline;
  tls::BackendContext* tls;  // held; null: plain
  ngx_chain_t* out;          // not sent yet
  core::H2Exchange* h2;      // null: HTTP/1.1
  MirrorBody body;           // of HTTP/2
  std::size_t answer_bytes;
  bool failed;                              // not all was sent, or the answer broke off
  void (*ended)(MirrorDelivery& delivery);  // its memory may be gone when that returns
  void* owner;
  std::string_view backend;  // for the owner's log
};

// `request`: its buffers are only read. Fails (false): nothing was begun, and ended() is not
// called.
bool deliver_mirror(MirrorDelivery& delivery, const MirrorChoice& choice,
                    const ngx_chain_t* request, ngx_pool_t* pool);

}  // namespace sluice::http_module

// What the module knows of one request (a subrequest has its own).
//
// Lifetime: the request's pool. It is found through the pool's cleanup list, because nginx forgets
// module contexts at internal redirects, and the plan must survive them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "ngx_module/core/plan.h"
#include "ngx_module/endpoint/attempt.h"
#include "ngx_module/http/filters.h"
#include "ngx_module/http/tries.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// The URI that a plan was made for.
struct PlannedUri {
  const u_char* data;
  std::size_t bytes;
  const u_char* args;
  bool raw;

  bool operator==(const PlannedUri&) const = default;
};

struct RequestState : endpoint::Attempt {
  ngx_http_request_t* request;

  bool planned;
  PlannedUri planned_uri;
  core::Plan plan;
  bool peer_is_trusted;      // its forwarded fields count
  std::uint64_t body_bytes;  // read so far, counted when there is a limit
  FilterState filters;

  ngx_str_t forward_uri;  // what was matched, with the query, where the client's differs
  ngx_str_t client_uri;   // r->unparsed_uri while the other one is lent to the proxy handler

  ngx_http_upstream_conf_t upstream_conf;  // this request's own copy
  ngx_uint_t configured_next_upstream;
  ngx_msec_t configured_connect_timeout;
  TryState tries;
  bool fresh_only;  // a kept connection turned out closed: the next try opens one
};

static_assert(std::is_trivially_destructible_v<RequestState>);

RequestState* find_state(ngx_http_request_t* r);            // null: none
RequestState* find_or_create_state(ngx_http_request_t* r);  // null: out of memory

// Gives r->unparsed_uri back; nothing when it is not lent.
void return_client_uri(RequestState& state);

}  // namespace sluice::http_module

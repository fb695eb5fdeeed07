#include "ngx_module/http/request_state.h"

#include <new>

#include "ngx_module/http/conf.h"

namespace sluice::http_module {

namespace {

void on_pool_end(void* data) {
  end_tries(*static_cast<RequestState*>(data));
  endpoint::finish_counting(*static_cast<RequestState*>(data));
  endpoint::release_tls(*static_cast<RequestState*>(data));
}

// Runs before the request is logged.
void on_request_end(void* data) {
  end_tries(*static_cast<RequestState*>(data));
  return_client_uri(*static_cast<RequestState*>(data));
}

RequestState* search_pool(ngx_http_request_t* r) {
  for (ngx_pool_cleanup_t* cleanup = r->pool->cleanup; cleanup != nullptr;
       cleanup = cleanup->next) {
    if (cleanup->handler != on_pool_end) continue;
    auto* const state = static_cast<RequestState*>(cleanup->data);
    if (state->request == r) return state;
  }
  return nullptr;
}

}  // namespace

RequestState* find_state(ngx_http_request_t* r) {
  auto* state = static_cast<RequestState*>(ngx_http_get_module_ctx(r, ngx_http_sluice_module));
  if (state == nullptr && (r->internal || r->filter_finalize)) {
    state = search_pool(r);
    if (state != nullptr) ngx_http_set_ctx(r, state, ngx_http_sluice_module);
  }
  return state;
}

RequestState* find_or_create_state(ngx_http_request_t* r) {
  if (RequestState* const found = find_state(r)) return found;
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->pool, sizeof(RequestState));
  ngx_http_cleanup_t* const request_cleanup = ngx_http_cleanup_add(r, 0);
  if (cleanup == nullptr || request_cleanup == nullptr) return nullptr;
  auto* const state = new (cleanup->data) RequestState{};
  state->request = r;
  cleanup->handler = on_pool_end;
  request_cleanup->handler = on_request_end;
  request_cleanup->data = state;
  ngx_http_set_ctx(r, state, ngx_http_sluice_module);
  return state;
}

void return_client_uri(RequestState& state) {
  if (state.client_uri.data == nullptr) return;
  state.request->unparsed_uri = state.client_uri;
  state.client_uri = {};
}

}  // namespace sluice::http_module

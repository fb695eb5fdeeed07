#include "ngx_module/http/phases.h"

#include <algorithm>
#include <span>

#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/http/conf.h"
#include "ngx_module/http/deadlines.h"
#include "ngx_module/http/filters.h"
#include "ngx_module/http/grpc_answer.h"
#include "ngx_module/http/limits.h"
#include "ngx_module/http/lookup.h"
#include "ngx_module/http/mirror.h"
#include "ngx_module/http/request_state.h"
#include "ngx_module/listen/worker.h"

namespace sluice::http_module {

namespace {

constexpr ngx_msec_t kUpgradedIdleMs = 3'600'000;

ngx_http_output_header_filter_pt next_header_filter;

bool has_error_page(const ngx_http_core_loc_conf_t& location, ngx_int_t status) {
  if (location.error_pages == nullptr) return false;
  const std::span pages(static_cast<const ngx_http_err_page_t*>(location.error_pages->elts),
                        location.error_pages->nelts);
  return std::any_of(pages.begin(), pages.end(),
                     [status](const auto& page) { return page.status == status; });
}

ngx_int_t answer(ngx_http_request_t* r, core::Reason reason) {
  const ngx_int_t status = core::reason_status(reason);
  const auto* const location = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (reason == core::Reason::kBodyTooLarge) {
    // The body is not asked for, and what comes of it is not read to its end.
    r->expect_tested = 1;
    r->keepalive = 0;
  }
  // The operator's error_page comes first.
  if (has_error_page(*location, status)) return status;
  ngx_str_t type = ngx_string("text/plain");
  ngx_http_complex_value_t body{};
  body.value = ngx::str(core::reason_text(reason));
  return ngx_http_send_response(r, static_cast<ngx_uint_t>(status), &type, &body);
}

// So that an empty backend is told from one that can't be reached: once nginx's upstream code runs,
// it would answer 502.
core::Reason check_backend(const core::Plan& plan) {
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) return core::Reason::kNoTable;
  return balance::reason_of(balance::check_backend(*worker->table(), plan.slot));
}

// The stock handler forwards r->unparsed_uri as it stands; peer.init gives it back.
void lend_uri(ngx_http_request_t* r, RequestState& state) {
  const bool rewritten = state.filters.forward_uri.data != nullptr;
  const ngx_str_t& uri = rewritten ? state.filters.forward_uri : state.forward_uri;
  if (uri.data == nullptr) return;
  state.client_uri = r->unparsed_uri;
  r->unparsed_uri = uri;
  r->valid_unparsed_uri = 1;  // after a rewrite of the operator's it was not
}

}  // namespace

ngx_int_t rewrite_handler(ngx_http_request_t* r) {
  if (location_conf(r).proxy == nullptr) return NGX_DECLINED;
  RequestState* const state = find_or_create_state(r);
  if (state == nullptr || !plan_request(r, *state)) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  return NGX_DECLINED;
}

ngx_int_t content_handler(ngx_http_request_t* r) {
  RequestState* const state = find_or_create_state(r);
  if (state == nullptr || !plan_request(r, *state)) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const core::Reason over = check_limits(r, state->plan);
  if (over != core::Reason::kNone) {
    state->plan.reason = over;
    return answer(r, over);
  }
  const ngx_int_t filtered = filters_on_request(r, *state);
  if (filtered != NGX_DECLINED) return filtered;
  if (state->plan.reason == core::Reason::kNone) state->plan.reason = check_backend(state->plan);
  if (state->plan.reason == core::Reason::kNone) {
    state->plan.reason = check_protocol(r, state->plan);
  }
  if (state->plan.reason != core::Reason::kNone) return answer(r, state->plan.reason);
  lend_uri(r, *state);
  return start_tries(r, *state);
}

ngx_int_t header_filter(ngx_http_request_t* r) {
  RequestState* const state = find_state(r);
  if (state != nullptr && r->upstream != nullptr && r->upstream->upgrade &&
      r->upstream->conf == &state->upstream_conf) {
    ngx_http_upstream_conf_t& conf = state->upstream_conf;
    conf.read_timeout = std::max(conf.read_timeout, kUpgradedIdleMs);
    conf.send_timeout = std::max(conf.send_timeout, kUpgradedIdleMs);
    stop_deadlines(*state);
  }
  if (state != nullptr &&
      (answer_as_grpc(r, *state) != NGX_OK || filters_on_response(r, *state) != NGX_OK)) {
    return NGX_ERROR;
  }
  return next_header_filter(r);
}

void install_filters() {
  install_mirror_body_filter();
  install_limit_body_filter();  // before the mirrors'
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = header_filter;
}

}  // namespace sluice::http_module

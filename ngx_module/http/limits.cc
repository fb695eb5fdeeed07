#include "ngx_module/http/limits.h"

#include "ngx_module/http/request_state.h"

namespace sluice::http_module {

namespace {

constexpr std::size_t kFieldFraming = 4;  // ": " and the end of the line

ngx_http_request_body_filter_pt next_body_filter;

std::size_t header_bytes(const ngx_http_request_t* r) {
  std::size_t bytes = 0;
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const auto* const fields = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      bytes += fields[i].key.len + fields[i].value.len + kFieldFraming;
    }
  }
  return bytes;
}

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) {
  RequestState* const state = find_state(r);
  if (state == nullptr || state->plan.max_body_bytes == 0) return next_body_filter(r, in);
  for (const ngx_chain_t* link = in; link != nullptr; link = link->next) {
    state->body_bytes += static_cast<std::uint64_t>(ngx_buf_size(link->buf));
  }
  if (state->body_bytes <= state->plan.max_body_bytes) return next_body_filter(r, in);
  state->plan.reason = core::Reason::kBodyTooLarge;
  r->lingering_close = 1;  // as nginx does: so that the client reads the answer
  return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
}

}  // namespace

core::Reason check_limits(const ngx_http_request_t* r, const core::Plan& plan) {
  if (plan.max_uri_bytes != 0 && r->unparsed_uri.len > plan.max_uri_bytes) {
    return core::Reason::kUriTooLong;
  }
  if (plan.max_header_bytes != 0 && header_bytes(r) > plan.max_header_bytes) {
    return core::Reason::kHeadersTooLarge;
  }
  if (plan.max_body_bytes != 0 && r->headers_in.content_length_n > 0 &&
      static_cast<std::uint64_t>(r->headers_in.content_length_n) > plan.max_body_bytes) {
    return core::Reason::kBodyTooLarge;
  }
  return core::Reason::kNone;
}

void install_limit_body_filter() {
  next_body_filter = ngx_http_top_request_body_filter;
  ngx_http_top_request_body_filter = body_filter;
}

}  // namespace sluice::http_module

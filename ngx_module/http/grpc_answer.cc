#include "ngx_module/http/grpc_answer.h"

#include "ngx_module/core/grpc_status.h"
#include "ngx_module/http/deadlines.h"
#include "ngx_module/http/request_state.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

bool is_made_here(const ngx_http_request_t* r) {
  return r->upstream == nullptr || r->err_status != 0;
}

bool add_field(ngx_http_request_t* r, std::string_view name, std::string_view value) {
  auto* const field = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (field == nullptr) return false;
  *field = ngx_table_elt_t{};
  field->hash = 1;
  field->key = ngx::str(name);
  field->value = ngx::str(value);
  field->lowcase_key = field->key.data;
  return true;
}

// Whether the client's own deadline has passed. A server that gave up at that time resets the
// stream, and may be seen to do so before the client has given up.
bool is_past_own_deadline(const ngx_http_request_t* r) {
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const auto* const fields = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (!http::same_header_name(ngx::view(fields[i].key), "grpc-timeout")) continue;
      const auto limit = core::grpc_timeout_ms(ngx::view(fields[i].value));
      return limit && age_of(r) >= *limit;
    }
  }
  return false;
}

core::GrpcStatus status_of(const ngx_http_request_t* r, core::Reason reason) {
  const core::GrpcStatus status = core::grpc_status(reason, r->headers_out.status);
  const bool broke_off = reason == core::Reason::kNone && status == core::GrpcStatus::kUnavailable;
  return broke_off && is_past_own_deadline(r) ? core::GrpcStatus::kDeadlineExceeded : status;
}

}  // namespace

bool is_grpc_call(const ngx_http_request_t* r) {
  return r->headers_in.content_type != nullptr &&
         core::is_grpc(ngx::view(r->headers_in.content_type->value));
}

ngx_int_t answer_as_grpc(ngx_http_request_t* r, const RequestState& state) {
  ngx_http_headers_out_t& out = r->headers_out;
  if (r != r->main || out.status < NGX_HTTP_BAD_REQUEST || !is_made_here(r) || !is_grpc_call(r)) {
    return NGX_OK;
  }
  const core::Reason reason = state.plan.reason;
  const core::GrpcStatus status = status_of(r, reason);
  r->err_status = 0;  // the log says what was sent
  out.status = NGX_HTTP_OK;
  out.status_line.len = 0;
  out.content_type = ngx::str("application/grpc");
  out.content_type_len = out.content_type.len;
  out.charset.len = 0;
  out.content_length_n = 0;
  if (out.content_length != nullptr) out.content_length->hash = 0;
  out.content_length = nullptr;
  r->header_only = 1;
  const bool added = add_field(r, "grpc-status", core::grpc_status_text(status)) &&
                     add_field(r, "grpc-message", core::grpc_message(reason, status));
  return added ? NGX_OK : NGX_ERROR;
}

}  // namespace sluice::http_module

#include "ngx_module/http/grpc_answer.h"

#include "ngx_module/core/grpc_status.h"
#include "ngx_module/http/request_state.h"

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
  const core::GrpcStatus status = core::grpc_status(reason, out.status);
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

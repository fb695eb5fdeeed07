#include "ngx_module/http/filters.h"

#include <array>

#include "ngx_module/http/filters_cors.h"
#include "ngx_module/http/filters_path.h"
#include "ngx_module/http/filters_request.h"
#include "ngx_module/http/mirror.h"
#include "ngx_module/http/request_state.h"
#include "ngx_module/http/response_fields.h"
#include "shared/http/field.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

namespace {

using table::FilterReader;
using table::FilterType;
using table::PartKind;

std::array<std::string_view, 2> lists_of(const core::Plan& plan) {
  return {plan.rule_filters, plan.backend_filters};
}

EditResult result_of(bool done) {
  return done ? EditResult::kDone : EditResult::kOutOfMemory;
}

// What one pass over the filters found out.
struct Decisions {
  table::Filter redirect{};
  UrlEdit redirect_edit;
  bool redirects = false;
  UrlEdit rewrite;
};

void merge(const UrlEdit& later, UrlEdit& into) {
  if (!later.hostname.empty()) into.hostname = later.hostname;
  if (later.path_edit == PathEdit::kNone) return;
  into.path_edit = later.path_edit;
  into.path = later.path;
}

EditResult decide(ngx_http_request_t* r, RequestState& state, FilterReader& filters,
                  const table::Filter& filter, Decisions& decisions) {
  if (filter.type == FilterType::kRequestMirror) {
    return result_of(draw_mirror(r, state, filters, filter));
  }
  if (filter.type == FilterType::kCors) return result_of(decide_cors(r, state, filters, filter));
  if (filter.type != FilterType::kRequestRedirect && filter.type != FilterType::kUrlRewrite) {
    return EditResult::kDone;
  }
  const auto edit = read_url_edit(filters);
  if (!edit) return EditResult::kBroken;
  if (filter.type == FilterType::kUrlRewrite) {
    merge(*edit, decisions.rewrite);
  } else if (!decisions.redirects) {
    decisions.redirects = true;
    decisions.redirect = filter;
    decisions.redirect_edit = *edit;
  }
  return EditResult::kDone;
}

EditResult decide_all(ngx_http_request_t* r, RequestState& state, Decisions& decisions) {
  for (const std::string_view list : lists_of(state.plan)) {
    FilterReader filters(list);
    while (const auto filter = filters.next()) {
      const EditResult result = decide(r, state, filters, *filter, decisions);
      if (result != EditResult::kDone) return result;
      while (filters.next_part()) {
      }
    }
    if (filters.broken()) return EditResult::kBroken;
  }
  return EditResult::kDone;
}

// An answer without a body. Its header passes through filters_on_response.
ngx_int_t answer_empty(ngx_http_request_t* r, ngx_uint_t status) {
  const ngx_int_t discarded = ngx_http_discard_request_body(r);
  if (discarded != NGX_OK) return discarded;
  r->headers_out.status = status;
  r->headers_out.content_length_n = 0;
  const ngx_int_t sent = ngx_http_send_header(r);
  if (sent == NGX_ERROR || sent > NGX_OK || r->header_only) return sent;
  return ngx_http_send_special(r, NGX_HTTP_LAST);
}

ngx_int_t answer_redirect(ngx_http_request_t* r, RequestState& state, const Decisions& decisions) {
  const std::uint16_t status = decisions.redirect.status;
  if (status < NGX_HTTP_SPECIAL_RESPONSE || status >= NGX_HTTP_BAD_REQUEST) {
    state.plan.reason = core::Reason::kBadFilters;
    return NGX_DECLINED;
  }
  const std::string_view location =
      location_of(r, state, decisions.redirect, decisions.redirect_edit);
  if (location.data() == nullptr || !ResponseFields(r).set("Location", location)) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  state.filters.redirected = true;
  return answer_empty(r, status);
}

// Not an error page of nginx's, and not an answer of another handler that an operator's error_page
// went to.
bool is_backend_answer(ngx_http_request_t* r, const RequestState& state) {
  const ngx_http_upstream_t* const u = r->upstream;
  if (u == nullptr) return false;
  // nginx ends the upstream before it answers for it.
  return r->cached || (u->cleanup != nullptr && u->conf == &state.upstream_conf);
}

bool edit_response(ResponseFields& fields, const table::PartReader::Value& part) {
  // The request's answer was decided long ago: what can't be said is left out.
  if (!http::is_field_name(part.name) || !http::is_field_value(part.value)) return true;
  if (http::is_connection_field(part.name)) return true;
  switch (part.kind) {
    case PartKind::kSetHeader:
      return fields.set(part.name, part.value);
    case PartKind::kAddHeader:
      return fields.add(part.name, part.value);
    default:
      return fields.remove(part.name);
  }
}

bool edit_response_headers(ngx_http_request_t* r, const RequestState& state) {
  ResponseFields fields(r);
  for (const std::string_view list : lists_of(state.plan)) {
    FilterReader filters(list);
    while (const auto filter = filters.next()) {
      if (filter->type != FilterType::kResponseHeaderModifier) continue;
      while (const auto part = filters.next_part()) {
        if (!edit_response(fields, *part)) return false;
      }
    }
  }
  return true;
}

}  // namespace

ngx_int_t filters_on_request(ngx_http_request_t* r, RequestState& state) {
  restore_request_headers(r, state);
  state.filters = {};
  core::Plan& plan = state.plan;
  if (plan.rule_filters.empty() && plan.backend_filters.empty()) {
    const EditResult edited = edit_request_headers(r, state);
    return edited == EditResult::kDone ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (plan.reason == core::Reason::kBadFilters) return NGX_DECLINED;

  Decisions decisions;
  EditResult result = decide_all(r, state, decisions);
  if (result == EditResult::kDone) {
    if (state.filters.cors != nullptr && state.filters.cors->preflight) {
      return answer_empty(r, NGX_HTTP_NO_CONTENT);
    }
    if (decisions.redirects) return answer_redirect(r, state, decisions);
    result = edit_request_headers(r, state);
  }
  if (result == EditResult::kDone) result = result_of(rewrite_url(r, state, decisions.rewrite));
  if (result == EditResult::kOutOfMemory) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  if (result == EditResult::kBroken) plan.reason = core::Reason::kBadFilters;
  return NGX_DECLINED;
}

ngx_int_t filters_on_response(ngx_http_request_t* r, RequestState& state) {
  if (r != r->main) return NGX_OK;
  const bool edited = state.filters.redirected || is_backend_answer(r, state);
  if (edited && !edit_response_headers(r, state)) return NGX_ERROR;
  return tell_cors(r, state.filters) ? NGX_OK : NGX_ERROR;
}

}  // namespace sluice::http_module

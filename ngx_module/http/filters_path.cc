#include "ngx_module/http/filters_path.h"

#include <algorithm>
#include <span>

#include "ngx_module/http/client_address.h"
#include "ngx_module/http/filters_request.h"
#include "ngx_module/http/pool_text.h"
#include "shared/http/field.h"
#include "shared/http/path_rewrite.h"
#include "shared/http/redirect.h"

namespace sluice::http_module {

namespace {

using table::PartKind;

// The path that was matched, as it stands in a request line.
struct ForwardedUrl {
  std::string_view path;
  std::size_t prefix_bytes = 0;
  std::string_view query;  // with its '?'
};

ForwardedUrl split_url(const ngx_http_request_t* r, const RequestState& state) {
  const ngx_str_t& planned = state.forward_uri;
  const std::string_view uri = ngx::view(planned.data != nullptr ? planned : r->unparsed_uri);
  const std::size_t mark = std::min(uri.find('?'), uri.size());
  return {uri.substr(0, mark), state.plan.prefix_bytes, uri.substr(mark)};
}

// Null: out of memory.
std::string_view edit_path(ngx_pool_t* pool, const ForwardedUrl& url, const UrlEdit& edit) {
  if (edit.path_edit == PathEdit::kNone) return url.path;
  const std::size_t bytes = http::rewritten_path_bytes(url.path, edit.path);
  auto* const memory = static_cast<char*>(ngx_pnalloc(pool, bytes));
  if (memory == nullptr) return {};
  const std::span buffer{memory, bytes};
  const auto path = edit.path_edit == PathEdit::kFull
                        ? http::replace_full_path(edit.path, buffer)
                        : http::replace_prefix(url.path, url.prefix_bytes, edit.path, buffer);
  return path.value_or(std::string_view{});
}

bool can_stand_in_a_url(std::string_view text) {
  return http::is_field_value(text) && text.find_first_of(" \t/?#@") == std::string_view::npos;
}

}  // namespace

std::optional<UrlEdit> read_url_edit(table::FilterReader& filters) {
  UrlEdit edit;
  while (const auto part = filters.next_part()) {
    switch (part->kind) {
      case PartKind::kScheme:
        edit.scheme = part->value;
        break;
      case PartKind::kHostname:
        edit.hostname = part->value;
        break;
      case PartKind::kFullPath:
        edit.path_edit = PathEdit::kFull;
        edit.path = part->value;
        break;
      case PartKind::kPrefixPath:
        edit.path_edit = PathEdit::kPrefix;
        edit.path = part->value;
        break;
      default:
        return std::nullopt;
    }
  }
  if (!can_stand_in_a_url(edit.scheme) || !can_stand_in_a_url(edit.hostname)) return std::nullopt;
  return edit;
}

std::string_view location_of(ngx_http_request_t* r, const RequestState& state,
                             const table::Filter& filter, const UrlEdit& edit) {
  const ForwardedUrl url = split_url(r, state);
  http::Redirect redirect;
  const ClientOrigin origin = client_origin(r);
  redirect.client_scheme = origin.scheme;
  redirect.client_host = ngx::view(r->headers_in.server);
  redirect.listener_port = origin.port;
  redirect.scheme = edit.scheme;
  redirect.hostname = edit.hostname;
  redirect.port = filter.port;
  redirect.path = edit_path(r->pool, url, edit);
  redirect.query = url.query;
  if (redirect.path.data() == nullptr) return {};
  // HTTP/1.0 without Host: a client that knows no host can only be told the path.
  if (redirect.hostname.empty() && redirect.client_host.empty()) {
    return join_copy(r->pool, {redirect.path, redirect.query});
  }
  const std::size_t bytes = http::location_bytes(redirect);
  auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, bytes));
  if (memory == nullptr) return {};
  return http::write_location(redirect, {memory, bytes}).value_or(std::string_view{});
}

bool rewrite_url(ngx_http_request_t* r, RequestState& state, const UrlEdit& edit) {
  if (!edit.hostname.empty()) forward_host(state, edit.hostname);
  if (edit.path_edit == PathEdit::kNone) return true;
  const ForwardedUrl url = split_url(r, state);
  const std::string_view path = edit_path(r->pool, url, edit);
  if (path.data() == nullptr) return false;
  const std::string_view uri = join_copy(r->pool, {path, url.query});
  state.filters.forward_uri = ngx::str(uri);
  return uri.data() != nullptr;
}

}  // namespace sluice::http_module

#include "ngx_module/http/lookup.h"

#include <array>
#include <span>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/http/client_address.h"
#include "ngx_module/http/conf.h"
#include "ngx_module/http/pool_text.h"
#include "ngx_module/listen/pool_memory.h"
#include "ngx_module/listen/worker.h"
#include "ngx_module/tls/handshake.h"
#include "shared/http/host.h"
#include "shared/http/method.h"
#include "shared/http/path.h"
#include "shared/match/matcher.h"

namespace sluice::http_module {

namespace {

// A lookup is repeated when the controller reused memory under a worker that was stopped meanwhile.
constexpr int kMaxRepeats = 4;

// Whether the request line is still what the client sent.
bool is_raw(const ngx_http_request_t* r) {
  return r == r->main && !r->internal && r->valid_unparsed_uri;
}

PlannedUri uri_of(const ngx_http_request_t* r) {
  return {r->uri.data, r->uri.len, r->args.data, is_raw(r)};
}

bool collect_headers(ngx_http_request_t* r, std::span<const match::HeaderView>& headers) {
  std::size_t count = 0;
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    count += part->nelts;
  }
  auto* const views =
      static_cast<match::HeaderView*>(ngx_palloc(r->pool, (count + 1) * sizeof(match::HeaderView)));
  if (views == nullptr) return false;
  std::size_t at = 0;
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const auto* const fields = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      views[at++] = {static_cast<std::uint32_t>(fields[i].hash), ngx::view(fields[i].key),
                     ngx::view(fields[i].value)};
    }
  }
  headers = {views, at};
  return true;
}

// After a rewrite of the operator's there is only the decoded path. Null: out of memory.
std::string_view rewritten_uri(ngx_http_request_t* r) {
  const std::uintptr_t escapes = ngx_escape_uri(nullptr, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
  if (escapes == 0) {
    return r->args.len == 0 ? ngx::view(r->uri)
                            : join_copy(r->pool, {ngx::view(r->uri), "?", ngx::view(r->args)});
  }
  auto* const path = static_cast<u_char*>(ngx_pnalloc(r->pool, r->uri.len + 2 * escapes));
  if (path == nullptr) return {};
  const std::uintptr_t end = ngx_escape_uri(path, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
  const std::string_view escaped(reinterpret_cast<const char*>(path),
                                 end - reinterpret_cast<std::uintptr_t>(path));
  return join_copy(r->pool, {escaped, r->args.len == 0 ? "" : "?", ngx::view(r->args)});
}

// Normalises the path of a request line; what differs from it is kept to be forwarded.
bool read_path(ngx_http_request_t* r, std::string_view raw, RequestState& state,
               match::RequestView& view, core::Reason& reason) {
  const std::size_t path_bytes = std::min(raw.find('?'), raw.size());
  const std::string_view rest = raw.substr(path_bytes);
  http::NormalisedPath path = http::normalise_path(raw.substr(0, path_bytes), {});
  if (path.status == http::PathStatus::kTooLong) {
    auto* const bytes = static_cast<char*>(ngx_pnalloc(r->pool, raw.size()));
    if (bytes == nullptr) return false;
    path = http::normalise_path(raw.substr(0, path_bytes), {bytes, path_bytes});
    if (path.status == http::PathStatus::kChanged) {
      std::copy(rest.begin(), rest.end(), bytes + path.path.size());
      state.forward_uri = ngx::str({path.path.data(), path.path.size() + rest.size()});
    }
  }
  view.path = path.path;
  if (path.status == http::PathStatus::kMalformed || path.status == http::PathStatus::kAboveRoot) {
    reason = core::Reason::kBadPath;
  } else if (path.status == http::PathStatus::kTooLong || path.path.size() > table::kMaxPathBytes) {
    reason = core::Reason::kPathTooLong;
  }
  return true;
}

// None: the connection has no address that a Gateway could have (a Unix socket).
bool group_of(ngx_http_request_t* r, match::GroupKey& group) {
  const LocationConf& conf = location_conf(r);
  if (conf.gateway.len != 0) {
    group.named = true;
    group.gateway = ngx::view(conf.gateway);
    group.port = conf.port;
    return true;
  }
  if (ngx_connection_local_sockaddr(r->connection, nullptr, 0) != NGX_OK) return false;
  const auto key = core::socket_key(r->connection->local_sockaddr);
  if (!key) return false;
  group.socket = *key;
  if (conf.port != 0) group.socket.port = conf.port;
  return true;
}

// Whether the listener that the host leads to is served on this connection. kNone: it is.
core::Reason check_connection(const ngx_http_request_t* r, const table::Reader& reader,
                              const match::Match& match) {
  if (match.outcome != match::Outcome::kMatched && match.outcome != match::Outcome::kNoRule) {
    return core::Reason::kNone;
  }
  if (tls::check(r->connection, reader, match.listener) == tls::Fit::kOtherListener) {
    return core::Reason::kMisdirected;
  }
  // A connection that was opened when the listener was still one of HTTP.
  const auto& server =
      *static_cast<const ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_sluice_module));
  const bool plain = server.is_template && r->connection->ssl == nullptr;
  return plain && match.listener.tls != 0 ? core::Reason::kNoListener : core::Reason::kNone;
}

bool look_up(ngx_http_request_t* r, listen::Worker& worker, const match::GroupKey& group,
             const match::RequestView& view, core::Plan& plan) {
  listen::PoolMemory memory(r->pool);
  const std::uint32_t draw = worker.random().draw();
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = worker.table()->enter();
    const table::Reader reader(snapshot);
    if (reader.empty()) break;
    const match::Match match = match::find_rule(reader, group, view, worker.lookup(), nullptr);
    const core::Reason unfit = check_connection(r, reader, match);
    if (!core::make_plan(reader, match, draw, memory, plan)) return false;
    if (unfit != core::Reason::kNone) {
      plan = core::Plan{};
      plan.reason = unfit;
    }
    if (worker.table()->unmoved(snapshot)) return true;
  }
  plan = core::Plan{};
  return true;
}

}  // namespace

bool plan_request(ngx_http_request_t* r, RequestState& state) {
  const PlannedUri uri = uri_of(r);
  if (state.planned && state.planned_uri == uri) return true;
  state.planned = true;
  state.planned_uri = uri;
  state.plan = core::Plan{};
  state.peer_is_trusted = false;
  state.forward_uri = {};

  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table_for_request() == nullptr) return true;
  match::RequestView view;
  core::Reason reason = core::Reason::kNone;
  std::string_view raw = ngx::view(r->unparsed_uri);
  if (!uri.raw) {
    raw = rewritten_uri(r);
    if (raw.data() == nullptr) return false;
    state.forward_uri = ngx::str(raw);
  }
  if (!read_path(r, raw, state, view, reason)) return false;
  std::array<char, http::kMaxHostBytes> host_bytes;
  const auto host = http::normalise_host(ngx::view(r->headers_in.server), host_bytes);
  if (host) {
    view.host = *host;
  } else if (reason == core::Reason::kNone) {
    reason = core::Reason::kBadHost;
  }
  match::GroupKey group;
  if (reason == core::Reason::kNone && !group_of(r, group)) reason = core::Reason::kNoListener;
  if (reason != core::Reason::kNone) {
    state.plan.reason = reason;
    return true;
  }
  view.query = ngx::view(r->args);
  view.method = http::method_bit(ngx::view(r->method_name));
  if (!collect_headers(r, view.headers)) return false;
  if (!look_up(r, *worker, group, view, state.plan)) return false;
  state.peer_is_trusted = is_trusted_peer(r, state.plan);
  return true;
}

}  // namespace sluice::http_module

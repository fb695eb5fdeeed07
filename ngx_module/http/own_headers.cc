#include "ngx_module/http/own_headers.h"

#include <charconv>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/http/client_address.h"
#include "ngx_module/http/pool_text.h"
#include "ngx_module/http/request_state.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

constexpr std::array<std::string_view, kOwnHeaders> kNames = {
    "Host",         "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
    "X-Request-Id",
};

std::string_view name_of(OwnHeader header) {
  return kNames.at(static_cast<std::size_t>(header));
}

std::string_view client_host(const ngx_http_request_t* r) {
  const std::string_view server = ngx::view(r->headers_in.server);
  if (r->headers_in.host == nullptr) return server;
  const std::string_view field = ngx::view(r->headers_in.host->value);
  return http::same_header_name(field.substr(0, server.size()), server) ? field : server;
}

// As far as the listener knows it.
std::string_view client_port(ngx_http_request_t* r, const RequestState* state) {
  std::uint16_t port = state != nullptr ? state->plan.client_port : 0;
  if (port == 0) {
    if (ngx_connection_local_sockaddr(r->connection, nullptr, 0) != NGX_OK) return {};
    const auto key = core::socket_key(r->connection->local_sockaddr);
    if (!key) return {};
    port = key->port;
  }
  constexpr std::size_t kDigits = 5;
  auto* const digits = static_cast<char*>(ngx_pnalloc(r->pool, kDigits));
  if (digits == nullptr) return {};
  const auto end = std::to_chars(digits, digits + kDigits, port).ptr;
  return {digits, static_cast<std::size_t>(end - digits)};
}

// The same one that the log shows: variables.cc has it indexed.
std::string_view request_id(ngx_http_request_t* r) {
  ngx_str_t name = ngx_string("request_id");
  const ngx_uint_t hash = ngx_hash_key(name.data, name.len);
  const ngx_http_variable_value_t* const value = ngx_http_get_variable(r, &name, hash);
  if (value == nullptr || value->not_found) return {};
  return {reinterpret_cast<const char*>(value->data), value->len};
}

bool is_encrypted([[maybe_unused]] const ngx_http_request_t* r) {
#if (NGX_HTTP_SSL)
  return r->connection->ssl != nullptr;
#else
  return false;
#endif
}

// What a trusted proxy says; "": nothing, as of any other peer.
std::string_view trusted_value(ngx_http_request_t* r, const RequestState* state, OwnHeader header) {
  if (state == nullptr || !state->peer_is_trusted || header == OwnHeader::kHost) return {};
  if (header != OwnHeader::kForwardedFor) return client_field(r, name_of(header));
  const std::string_view list = forwarded_for(r);
  if (list.empty()) return {};
  return join_copy(r->pool, {list, ", ", ngx::view(r->connection->addr_text)});
}

}  // namespace

std::optional<OwnHeader> find_own_header(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (http::same_header_name(kNames[i], name)) return static_cast<OwnHeader>(i);
  }
  return std::nullopt;
}

std::string_view scheme_of(const ngx_http_request_t* r) {
  return is_encrypted(r) ? "https" : "http";
}

std::string_view own_header_value(ngx_http_request_t* r, OwnHeader header) {
  const RequestState* const state = find_state(r);
  if (state != nullptr && state->filters.own_headers[header].edited) {
    return ngx::view(state->filters.own_headers[header].value);
  }
  const std::string_view told = trusted_value(r, state, header);
  if (!told.empty()) return told;
  switch (header) {
    case OwnHeader::kHost:
    case OwnHeader::kForwardedHost:
      return client_host(r);
    case OwnHeader::kForwardedFor:
      return ngx::view(r->connection->addr_text);
    case OwnHeader::kForwardedProto:
      return scheme_of(r);
    case OwnHeader::kForwardedPort:
      return client_port(r, state);
    case OwnHeader::kRequestId:
      return request_id(r);
  }
  return {};
}

}  // namespace sluice::http_module

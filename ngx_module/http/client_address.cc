#include "ngx_module/http/client_address.h"

#include <algorithm>
#include <charconv>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/http/own_headers.h"
#include "ngx_module/http/pool_text.h"
#include "ngx_module/http/request_state.h"
#include "shared/http/forwarded.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

// Of the list of fields: visit(value) until it returns false.
template <class Visit>
void for_each_field(const ngx_http_request_t* r, std::string_view name, Visit&& visit) {
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const auto* const fields = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (!http::same_header_name(ngx::view(fields[i].key), name)) continue;
      if (!visit(ngx::view(fields[i].value))) return;
    }
  }
}

// 0: no port.
std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : 0;
}

}  // namespace

bool is_trusted_peer(const ngx_http_request_t* r, const core::Plan& plan) {
  if (plan.trusted_proxies.empty()) return false;
  const auto key = core::socket_key(r->connection->sockaddr);
  if (!key) return false;
  http::IpAddress address;
  address.ipv6 = key->family == table::Family::kIpv6;
  std::copy(std::begin(key->address), std::end(key->address), address.bytes.begin());
  return http::is_in_any(plan.trusted_proxies, address);
}

std::string_view client_field(const ngx_http_request_t* r, std::string_view name) {
  std::string_view found;
  for_each_field(r, name, [&found](std::string_view value) {
    found = value;
    return found.empty();
  });
  return found;
}

std::string_view forwarded_for(ngx_http_request_t* r) {
  std::string_view list;
  for_each_field(r, "X-Forwarded-For", [&](std::string_view value) {
    if (value.empty()) return true;
    list = list.empty() ? value : join_copy(r->pool, {list, ", ", value});
    return true;
  });
  return list;
}

std::string_view client_address(ngx_http_request_t* r) {
  const std::string_view peer = ngx::view(r->connection->addr_text);
  const RequestState* const state = find_state(r);
  if (state == nullptr || !state->peer_is_trusted) return peer;
  const auto client = http::find_client(forwarded_for(r), state->plan.trusted_proxies);
  return client ? client->text : peer;
}

ClientOrigin client_origin(ngx_http_request_t* r) {
  const RequestState& state = *find_state(r);
  const ClientOrigin own{scheme_of(r), state.plan.client_port};
  if (!state.peer_is_trusted) return own;
  ClientOrigin said{client_field(r, "X-Forwarded-Proto"),
                    parse_port(client_field(r, "X-Forwarded-Port"))};
  if (said.scheme != "http" && said.scheme != "https") said.scheme = own.scheme;
  if (said.port == 0 && said.scheme == own.scheme) said.port = own.port;
  return said;
}

}  // namespace sluice::http_module

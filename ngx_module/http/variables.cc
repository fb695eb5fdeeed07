#include "ngx_module/http/variables.h"

#include <array>
#include <charconv>

#include "ngx_module/http/client_address.h"
#include "ngx_module/http/own_headers.h"
#include "ngx_module/http/request_state.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

ngx_int_t give(ngx_http_variable_value_t* value, std::string_view text) {
  value->valid = text.empty() ? 0 : 1;
  value->not_found = text.empty() ? 1 : 0;
  value->no_cacheable = 0;
  value->len = static_cast<unsigned>(text.size()) & 0xfffffffU;
  value->data = ngx::str(text).data;
  return NGX_OK;
}

// As give(), but empty is a value: a header with it is left out.
ngx_int_t give_value(ngx_http_variable_value_t* value, std::string_view text) {
  give(value, text);
  value->valid = 1;
  value->not_found = 0;
  return NGX_OK;
}

std::string_view digits(ngx_http_request_t* r, std::uint64_t number) {
  constexpr std::size_t kBytes = 20;
  auto* const bytes = static_cast<char*>(ngx_pnalloc(r->pool, kBytes));
  if (bytes == nullptr) return {};
  const auto end = std::to_chars(bytes, bytes + kBytes, number).ptr;
  return {bytes, static_cast<std::size_t>(end - bytes)};
}

using PlanText = std::string_view (*)(ngx_http_request_t*, const RequestState&);

template <PlanText Text>
ngx_int_t get_planned(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::uintptr_t) {
  const RequestState* const state = find_state(r);
  return give(value, state == nullptr ? std::string_view{} : Text(r, *state));
}

std::string_view gateway(ngx_http_request_t*, const RequestState& state) {
  return state.plan.gateway;
}

std::string_view listener(ngx_http_request_t*, const RequestState& state) {
  return state.plan.listener;
}

std::string_view route(ngx_http_request_t*, const RequestState& state) {
  return state.plan.route;
}

// The rule's name, or its number when it has none.
std::string_view rule(ngx_http_request_t* r, const RequestState& state) {
  if (state.plan.route.empty()) return {};
  return state.plan.rule_name.empty() ? digits(r, state.plan.rule) : state.plan.rule_name;
}

std::string_view backend(ngx_http_request_t*, const RequestState& state) {
  return state.plan.backend;
}

std::string_view endpoint(ngx_http_request_t*, const RequestState& state) {
  return ngx::view(state.endpoint);
}

std::string_view generation(ngx_http_request_t* r, const RequestState& state) {
  return state.plan.generation == 0 ? std::string_view{} : digits(r, state.plan.generation);
}

std::string_view reason(ngx_http_request_t*, const RequestState& state) {
  return core::reason_name(state.plan.reason);
}

template <OwnHeader Header>
ngx_int_t get_own(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::uintptr_t) {
  return give_value(value, own_header_value(r, Header));
}

// An upgrade to HTTP/2 would let requests pass by every rule on that connection.
std::string_view upgrade_of(const ngx_http_request_t* r) {
  if (r->headers_in.upgrade == nullptr || r->http_version != NGX_HTTP_VERSION_11) return {};
  const std::string_view wanted = ngx::view(r->headers_in.upgrade->value);
  constexpr std::string_view kH2c = "h2c";
  for (std::size_t i = 0; i + kH2c.size() <= wanted.size(); ++i) {
    if (http::same_header_name(wanted.substr(i, kH2c.size()), kH2c)) return {};
  }
  return wanted;
}

// Whether the backend is told that trailers are welcome: nginx passes them on from 1.27.2.
bool wants_trailers(const ngx_http_request_t* r) {
  if (nginx_version < 1027002 || r->headers_in.te == nullptr) return false;
  const ngx_str_t& te = r->headers_in.te->value;
  char trailers[] = "trailers";
  return ngx_strlcasestrn(te.data, te.data + te.len, reinterpret_cast<u_char*>(trailers),
                          sizeof(trailers) - 2) != nullptr;
}

ngx_int_t get_te(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::uintptr_t) {
  return give_value(value, wants_trailers(r) ? "trailers" : "");
}

ngx_int_t get_connection(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::uintptr_t) {
  if (!upgrade_of(r).empty()) return give_value(value, "upgrade");
  return give_value(value, wants_trailers(r) ? "te" : "");
}

ngx_int_t get_upgrade(ngx_http_request_t* r, ngx_http_variable_value_t* value, std::uintptr_t) {
  return give_value(value, upgrade_of(r));
}

ngx_int_t get_client_address(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                             std::uintptr_t) {
  return give_value(value, client_address(r));
}

struct Variable {
  std::string_view name;
  ngx_http_get_variable_pt get;
};

constexpr std::array kVariables = {
    Variable{"sluice_gateway", get_planned<gateway>},
    Variable{"sluice_listener", get_planned<listener>},
    Variable{"sluice_route", get_planned<route>},
    Variable{"sluice_rule", get_planned<rule>},
    Variable{"sluice_backend", get_planned<backend>},
    Variable{"sluice_endpoint", get_planned<endpoint>},
    Variable{"sluice_generation", get_planned<generation>},
    Variable{"sluice_reason", get_planned<reason>},
    Variable{"sluice_client_address", get_client_address},
    Variable{"sluice_host", get_own<OwnHeader::kHost>},
    Variable{"sluice_connection", get_connection},
    Variable{"sluice_te", get_te},
    Variable{"sluice_upgrade", get_upgrade},
    Variable{"sluice_forwarded_for", get_own<OwnHeader::kForwardedFor>},
    Variable{"sluice_forwarded_proto", get_own<OwnHeader::kForwardedProto>},
    Variable{"sluice_forwarded_host", get_own<OwnHeader::kForwardedHost>},
    Variable{"sluice_forwarded_port", get_own<OwnHeader::kForwardedPort>},
    Variable{"sluice_request_id", get_own<OwnHeader::kRequestId>},
};

}  // namespace

bool add_variables(ngx_conf_t* cf) {
  // An indexed variable has one value per request, wherever it is read.
  ngx_str_t request_id = ngx_string("request_id");
  if (ngx_http_get_variable_index(cf, &request_id) == NGX_ERROR) return false;
  for (const Variable& variable : kVariables) {
    ngx_str_t name = ngx::str(variable.name);
    ngx_http_variable_t* const added = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (added == nullptr) return false;
    added->get_handler = variable.get;
  }
  return true;
}

}  // namespace sluice::http_module

// Variables for the log_format of stream {}: what became of a connection, and why.
#include <array>
#include <charconv>
#include <string_view>

#include "ngx_module/stream/conf.h"

namespace sluice::stream_module {

namespace {

std::string_view digits(ngx_stream_session_t* s, std::uint64_t number) {
  constexpr std::size_t kBytes = 20;
  auto* const bytes = static_cast<char*>(ngx_pnalloc(s->connection->pool, kBytes));
  if (bytes == nullptr) return {};
  const auto end = std::to_chars(bytes, bytes + kBytes, number).ptr;
  return {bytes, static_cast<std::size_t>(end - bytes)};
}

// Null: the connection ended before an endpoint was asked for.
const relay::Relay* relay_of(ngx_stream_session_t* s) {
  const auto* const session =
      static_cast<const Session*>(ngx_stream_get_module_ctx(s, ngx_stream_sluice_module));
  return session == nullptr ? nullptr : session->relay;
}

using PlanText = std::string_view (*)(ngx_stream_session_t*, const core::Plan&);

template <PlanText Text>
ngx_int_t get(ngx_stream_session_t* s, ngx_stream_variable_value_t* value, std::uintptr_t) {
  const listen::RelayPlan* const relay = door_of(s).find_plan(s->connection);
  const std::string_view text = relay == nullptr ? std::string_view{} : Text(s, relay->plan);
  value->valid = text.empty() ? 0 : 1;
  value->not_found = text.empty() ? 1 : 0;
  value->no_cacheable = 0;
  value->len = static_cast<unsigned>(text.size()) & 0xfffffffU;
  value->data = ngx::str(text).data;
  return NGX_OK;
}

std::string_view gateway(ngx_stream_session_t*, const core::Plan& plan) {
  return plan.gateway;
}

std::string_view listener(ngx_stream_session_t*, const core::Plan& plan) {
  return plan.listener;
}

std::string_view route(ngx_stream_session_t*, const core::Plan& plan) {
  return plan.route;
}

// The rule's name, or its number when it has none.
std::string_view rule(ngx_stream_session_t* s, const core::Plan& plan) {
  if (plan.route.empty()) return {};
  return plan.rule_name.empty() ? digits(s, plan.rule) : plan.rule_name;
}

std::string_view backend(ngx_stream_session_t*, const core::Plan& plan) {
  return plan.backend;
}

std::string_view endpoint(ngx_stream_session_t* s, const core::Plan&) {
  const relay::Relay* const relay = relay_of(s);
  return relay == nullptr ? std::string_view{} : ngx::view(relay->endpoint);
}

std::string_view reason(ngx_stream_session_t* s, const core::Plan& plan) {
  const relay::Relay* const relay = relay_of(s);
  return core::reason_name(relay == nullptr ? plan.reason : relay->reason);
}

struct Variable {
  std::string_view name;
  ngx_stream_get_variable_pt get;
};

constexpr std::array kVariables = {
    Variable{"sluice_gateway", get<gateway>}, Variable{"sluice_listener", get<listener>},
    Variable{"sluice_route", get<route>},     Variable{"sluice_rule", get<rule>},
    Variable{"sluice_backend", get<backend>}, Variable{"sluice_endpoint", get<endpoint>},
    Variable{"sluice_reason", get<reason>},
};

}  // namespace

bool add_variables(ngx_conf_t* cf) {
  for (const Variable& known : kVariables) {
    ngx_str_t name = ngx::str(known.name);
    ngx_stream_variable_t* const variable = ngx_stream_add_variable(cf, &name, 0);
    if (variable == nullptr) return false;
    variable->get_handler = known.get;
  }
  return true;
}

}  // namespace sluice::stream_module

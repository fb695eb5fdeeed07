#include "controller/resolve/parameters.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace sluice::resolve {

namespace {

using model::GatewayParameters;
using model::Kind;
using model::ObjectKey;

bool is_read(const model::ParametersRef& ref) {
  return model::find_kind(ref.group, ref.kind) == Kind::kGatewayParameters;
}

// `key`: none when the reference is incomplete.
std::optional<Refusal> refuse_reference(std::string_view field, const model::ParametersRef& ref,
                                        const std::optional<ObjectKey>& key,
                                        const model::Store& store) {
  std::string problem;
  if (!is_read(ref)) {
    problem = fmt::format("{}: {}/{} \"{}\" is of a kind that Sluice does not read; valid is {}/{}",
                          field, ref.group, ref.kind, ref.name,
                          model::kind_group(Kind::kGatewayParameters),
                          model::kind_name(Kind::kGatewayParameters));
  } else if (!key) {
    problem = fmt::format("{}.namespace: missing, but required for {}", field, ref.kind);
  } else if (store.find_object(*key) == nullptr) {
    problem = fmt::format("{}: {} {} does not exist, or was refused when it was read", field,
                          ref.kind, key->name.text());
  } else {
    return std::nullopt;
  }
  return Refusal{"InvalidParameters", std::move(problem)};
}

const GatewayParameters* find(const std::optional<ObjectKey>& key, const model::Store& store) {
  return key ? store.find<GatewayParameters>(key->kind, key->name) : nullptr;
}

void apply(const std::optional<std::vector<std::uint16_t>>& given, std::set<std::uint16_t>& ports) {
  if (given) ports = {given->begin(), given->end()};
}

void apply(const GatewayParameters& given, Parameters& parameters) {
  ServedOptions& options = parameters.options;
  if (given.trusted_proxies) options.trusted_proxies = *given.trusted_proxies;
  options.max_body_bytes = given.max_body_bytes.value_or(options.max_body_bytes);
  options.max_header_bytes = given.max_header_bytes.value_or(options.max_header_bytes);
  options.max_uri_bytes = given.max_uri_bytes.value_or(options.max_uri_bytes);
  apply(given.proxy_protocol_ports, parameters.proxy_protocol_ports);
  apply(given.backend_proxy_protocol_ports, parameters.backend_proxy_protocol_ports);
}

}  // namespace

std::optional<ObjectKey> parameters_key(const model::GatewayClass& gateway_class) {
  const auto& ref = gateway_class.parameters_ref;
  if (!ref || !is_read(*ref) || !ref->ns) return std::nullopt;
  return ObjectKey{Kind::kGatewayParameters, {*ref->ns, ref->name}};
}

std::optional<ObjectKey> parameters_key(const model::Gateway& gateway) {
  const auto& ref = gateway.parameters_ref;
  if (!ref || !is_read(*ref)) return std::nullopt;
  return ObjectKey{Kind::kGatewayParameters, {gateway.meta.name.ns, ref->name}};
}

std::optional<Refusal> refuse_class(const model::GatewayClass& gateway_class,
                                    const model::Store& store) {
  if (!gateway_class.parameters_ref) return std::nullopt;
  return refuse_reference("spec.parametersRef", *gateway_class.parameters_ref,
                          parameters_key(gateway_class), store);
}

Parameters find_parameters(const model::Gateway& gateway, const model::GatewayClass& gateway_class,
                           const model::Store& store) {
  Parameters parameters;
  if (const auto refusal = refuse_class(gateway_class, store)) {
    parameters.refusal = {refusal->reason,
                          fmt::format("GatewayClass {} is not accepted: {}",
                                      gateway_class.meta.name.text(), refusal->message)};
    return parameters;
  }
  if (gateway.parameters_ref) {
    parameters.refusal = refuse_reference("spec.infrastructure.parametersRef",
                                          *gateway.parameters_ref, parameters_key(gateway), store);
    if (parameters.refusal) return parameters;
  }
  for (const auto& key : {parameters_key(gateway_class), parameters_key(gateway)}) {
    if (const GatewayParameters* const given = find(key, store)) apply(*given, parameters);
  }
  return parameters;
}

}  // namespace sluice::resolve

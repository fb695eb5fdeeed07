// Spec: gateway-api v1.7.0 standard CRD gateways.gateway.networking.k8s.io
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "controller/model/decode/gateway_parts.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kAddressType = {
    .min = 1,
    .max = 253,
    .valid = is_address_type,
    .expected = "\"IPAddress\", \"Hostname\", \"NamedAddress\" or a name with a domain"};
constexpr TextRule kAddressValue = {.max = 253};
constexpr TextRule kRoutability = {
    .max = 253,
    .valid = is_routability,
    .expected = "\"Cluster\" or a name with a domain other than k8s.io"};
constexpr std::array<std::string_view, 4> kListenerSources = {"All", "Selector", "Same", "None"};
constexpr TextRule kAllowedListenersFrom = {.choices = kListenerSources};

constexpr MapRule kInfrastructureLabels = {.max = 8, .key = kLabelKey, .value = kLabelValue};
constexpr MapRule kInfrastructureAnnotations = {
    .max = 16, .key = kLabelKey, .value = {.max = 4096}};

GatewayAddress read_address(FieldReader& reader) {
  GatewayAddress address;
  address.type = reader.text_or("type", address.type, kAddressType);
  address.value = reader.text("value", kAddressValue).value_or("");
  address.routability = reader.text_or("routability", "", kRoutability);
  if (address.type == "IPAddress" && reader.is_text("value") && !is_ip_address(address.value)) {
    reader.refuse("value",
                  fmt::format("found {}; valid is an IPv4 or IPv6 address", quote(address.value)));
  }
  if (address.type == "Hostname" && !address.value.empty() && !is_hostname(address.value)) {
    reader.refuse(fmt::format("found the hostname {}; valid is {}", quote(address.value),
                              kHostname.expected));
  }
  return address;
}

void check_addresses(FieldReader& spec, const std::vector<GatewayAddress>& addresses) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const GatewayAddress& address : addresses) {
    const bool unique = address.type == "IPAddress" || address.type == "Hostname";
    if (!unique || address.value.empty()) continue;
    if (seen.emplace(address.type, address.value).second) continue;
    spec.refuse("addresses", fmt::format("found {} {} twice; {} values must be unique",
                                         address.type, quote(address.value), address.type));
  }
}

std::optional<ParametersRef> read_infrastructure(FieldReader& spec) {
  std::optional<ParametersRef> parameters;
  spec.object("infrastructure", Need::kOptional, [&](FieldReader& infrastructure) {
    infrastructure.text_map("labels", kInfrastructureLabels);
    infrastructure.text_map("annotations", kInfrastructureAnnotations);
    infrastructure.object("parametersRef", Need::kOptional, [&](FieldReader& ref) {
      parameters = {.group = ref.required_text("group", kGroup),
                    .kind = ref.required_text("kind", kKindName),
                    .name = ref.required_text("name", kReferenceName),
                    .ns = std::nullopt};
    });
  });
  return parameters;
}

AllowedListeners read_allowed_listeners(FieldReader& spec) {
  AllowedListeners allowed;
  spec.object("allowedListeners", Need::kOptional, [&](FieldReader& reader) {
    reader.object("namespaces", Need::kDefaulted, [&](FieldReader& namespaces) {
      allowed.from = read_namespaces(namespaces, "None", kAllowedListenersFrom, allowed.selector);
    });
  });
  return allowed;
}

}  // namespace

Gateway decode_gateway(FieldReader& root, Meta meta) {
  Gateway gateway;
  gateway.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    gateway.class_name = spec.required_text("gatewayClassName", kReferenceName);
    gateway.listeners = read_listeners(spec);
    spec.list("addresses", Need::kOptional, {.max = 16},
              [&](FieldReader& address) { gateway.addresses.push_back(read_address(address)); });
    check_addresses(spec, gateway.addresses);
    gateway.parameters_ref = read_infrastructure(spec);
    gateway.allowed_listeners = read_allowed_listeners(spec);
    read_gateway_tls(spec, gateway);
  });
  return gateway;
}

}  // namespace sluice::model

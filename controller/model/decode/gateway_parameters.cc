// GatewayParameters (sluice.dev/v1alpha1). Page: controller/doc/gateway_parameters.md
#include <fmt/format.h>

#include <set>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr ListRule kNetworks = {.max = 64};
constexpr ListRule kPorts = {.max = 64};  // a Gateway has no more listeners
constexpr TextRule kNetwork = {
    .valid = [](std::string_view text) { return http::parse_ip_network(text).has_value(); },
    .expected =
        "an IPv4 or IPv6 address, or a network such as \"10.0.0.0/8\" without bits behind "
        "the prefix"};
// Whole numbers up to it are exact in JSON.
constexpr Range kBodyBytes = {1, (std::int64_t{1} << 53) - 1};
constexpr Range kHeaderBytes = {256, 1 << 20};
constexpr Range kUriBytes = {64, 1 << 16};

std::optional<std::vector<http::IpNetwork>> read_networks(FieldReader& client_address) {
  constexpr std::string_view kKey = "trustedProxies";
  const std::vector<std::string> texts =
      client_address.texts(kKey, Need::kOptional, kNetworks, kNetwork);
  client_address.refuse_repeated(kKey, texts);
  if (!client_address.has(kKey)) return std::nullopt;
  std::vector<http::IpNetwork> networks;
  for (const std::string& text : texts) {
    if (const auto network = http::parse_ip_network(text)) networks.push_back(*network);
  }
  return networks;
}

std::optional<std::vector<std::uint16_t>> read_ports(FieldReader& section) {
  constexpr std::string_view kKey = "proxyProtocolPorts";
  const std::vector<std::int64_t> numbers = section.integers(kKey, kPorts, kPortRange);
  if (!section.has(kKey)) return std::nullopt;
  std::vector<std::uint16_t> ports;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!seen.insert(numbers[i]).second) {
      section.refuse(kKey, i, fmt::format("found {} twice", numbers[i]));
    }
    ports.push_back(static_cast<std::uint16_t>(numbers[i]));
  }
  return ports;
}

void read_limits(FieldReader& limits, GatewayParameters& parameters) {
  if (const auto bytes = limits.integer("maxBodyBytes", Need::kOptional, kBodyBytes)) {
    parameters.max_body_bytes = static_cast<std::uint64_t>(*bytes);
  }
  if (const auto bytes = limits.integer("maxHeaderBytes", Need::kOptional, kHeaderBytes)) {
    parameters.max_header_bytes = static_cast<std::uint32_t>(*bytes);
  }
  if (const auto bytes = limits.integer("maxUriBytes", Need::kOptional, kUriBytes)) {
    parameters.max_uri_bytes = static_cast<std::uint32_t>(*bytes);
  }
}

}  // namespace

GatewayParameters decode_gateway_parameters(FieldReader& root, Meta meta) {
  GatewayParameters parameters;
  parameters.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    // An option that is left out because it was misspelt may be the one that protects something.
    spec.refuse_unknown();
    spec.object("clientAddress", Need::kOptional, [&](FieldReader& client_address) {
      parameters.trusted_proxies = read_networks(client_address);
      parameters.proxy_protocol_ports = read_ports(client_address);
    });
    spec.object("relay", Need::kOptional, [&](FieldReader& relay) {
      parameters.backend_proxy_protocol_ports = read_ports(relay);
    });
    spec.object("limits", Need::kOptional,
                [&](FieldReader& limits) { read_limits(limits, parameters); });
  });
  return parameters;
}

}  // namespace sluice::model

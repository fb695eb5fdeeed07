// GatewayParameters (sluice.dev/v1alpha1): the options of this implementation, for the Gateways of
// a class or for one Gateway. Page: controller/doc/gateway_parameters.md
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "controller/model/object.h"
#include "shared/http/ip_network.h"

namespace sluice::model {

// A field that is not given leaves the matter to the class's parameters, or to the default.
struct GatewayParameters {
  Meta meta;
  std::optional<std::vector<http::IpNetwork>> trusted_proxies;
  std::optional<std::vector<std::uint16_t>> proxy_protocol_ports;  // of the Gateway's listeners
  std::optional<std::vector<std::uint16_t>> backend_proxy_protocol_ports;  // likewise
  std::optional<std::uint64_t> max_body_bytes;
  std::optional<std::uint32_t> max_header_bytes;
  std::optional<std::uint32_t> max_uri_bytes;
};

}  // namespace sluice::model

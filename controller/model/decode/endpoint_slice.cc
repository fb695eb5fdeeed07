// Loopback and link-local addresses, which a cluster refuses, are fine where there is no cluster.
// Spec: Kubernetes discovery.k8s.io/v1 EndpointSlice, as the API server validates it
#include <fmt/format.h>

#include <array>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";

constexpr std::array<std::string_view, 3> kAddressTypes = {"IPv4", "IPv6", "FQDN"};
constexpr TextRule kAddressType = {.choices = kAddressTypes};
constexpr std::array<std::string_view, 3> kProtocols = {"TCP", "UDP", "SCTP"};
constexpr TextRule kProtocol = {.choices = kProtocols};
constexpr TextRule kIpv4 = {.valid = is_endpoint_ipv4,
                            .expected = "an IPv4 address such as \"10.0.0.1\""};
constexpr TextRule kIpv6 = {.valid = is_endpoint_ipv6,
                            .expected = "an IPv6 address such as \"fd00::1\""};

const TextRule& address_rule(std::string_view type) {
  if (type == "IPv4") return kIpv4;
  return type == "IPv6" ? kIpv6 : kDnsSubdomain;
}

SliceEndpoint read_endpoint(FieldReader& reader, std::string_view type) {
  SliceEndpoint endpoint;
  endpoint.addresses =
      reader.texts("addresses", Need::kRequired, {.min = 1, .max = 100}, address_rule(type));
  reader.object("conditions", Need::kOptional, [&](FieldReader& conditions) {
    endpoint.ready = conditions.boolean("ready").value_or(true);
    endpoint.serving = conditions.boolean("serving").value_or(endpoint.ready);
    endpoint.terminating = conditions.boolean("terminating").value_or(false);
  });
  reader.ignore({"hostname", "targetRef", "nodeName", "zone", "hints", "deprecatedTopology"});
  return endpoint;
}

std::vector<SlicePort> read_ports(FieldReader& root) {
  std::vector<SlicePort> ports;
  std::vector<std::string> names;
  int unnamed = 0;
  root.list("ports", Need::kOptional, {.max = 20000}, [&](FieldReader& reader) {
    SlicePort port;
    port.name = reader.text_or("name", "", kOptionalDnsLabel);
    port.protocol = reader.text_or("protocol", port.protocol, kProtocol);
    port.port = reader.port("port", Need::kOptional);
    reader.ignore({"appProtocol"});
    if (reader.lacks_text("name")) ++unnamed;
    names.push_back(port.name);
    ports.push_back(std::move(port));
  });
  root.refuse_repeated("ports", names);
  if (unnamed > 1) {
    root.refuse("ports", fmt::format("found {} ports without a name; valid is one", unnamed));
  }
  return ports;
}

}  // namespace

EndpointSlice decode_endpoint_slice(FieldReader& root, Meta meta) {
  EndpointSlice slice;
  slice.meta = std::move(meta);
  const auto label = slice.meta.labels.find(std::string(kServiceLabel));
  if (label != slice.meta.labels.end()) slice.service = label->second;
  slice.address_type = root.required_text("addressType", kAddressType);
  root.list("endpoints", Need::kOptional, {.max = 1000}, [&](FieldReader& endpoint) {
    slice.endpoints.push_back(read_endpoint(endpoint, slice.address_type));
  });
  slice.ports = read_ports(root);
  if (slice.service.empty()) {
    root.warn("metadata.labels",
              fmt::format("without the label {} the slice belongs to no Service", kServiceLabel));
  }
  return slice;
}

}  // namespace sluice::model

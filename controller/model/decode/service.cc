// Spec: Kubernetes core/v1 Service, as the API server validates it
#include <fmt/format.h>

#include <array>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 4> kTypes = {"ClusterIP", "NodePort", "LoadBalancer",
                                                    "ExternalName"};
constexpr TextRule kType = {.choices = kTypes};
constexpr std::array<std::string_view, 3> kProtocols = {"TCP", "UDP", "SCTP"};
constexpr TextRule kProtocol = {.choices = kProtocols};
constexpr TextRule kPortName = {.min = 1,
                                .max = 15,
                                .valid = is_port_name,
                                .expected = "lower-case letters, digits and \"-\", with a letter"};
constexpr TextRule kAppProtocol = {.valid = is_label_key,
                                   .expected = "a name such as \"http\" or \"kubernetes.io/h2c\""};

std::string read_target_port(FieldReader& reader, std::uint16_t port) {
  if (reader.is_text("targetPort")) return reader.required_text("targetPort", kPortName);
  return std::to_string(reader.port("targetPort", Need::kOptional).value_or(port));
}

ServicePort read_port(FieldReader& reader) {
  ServicePort port;
  port.name = reader.text_or("name", "", kOptionalDnsLabel);
  port.port = reader.port("port", Need::kRequired).value_or(0);
  port.protocol = reader.text_or("protocol", port.protocol, kProtocol);
  port.app_protocol = reader.text("appProtocol", kAppProtocol);
  port.target_port = read_target_port(reader, port.port);
  reader.ignore({"nodePort"});
  return port;
}

std::vector<ServicePort> read_ports(FieldReader& spec, bool may_lack_ports) {
  std::vector<ServicePort> ports;
  std::vector<std::string> names;
  std::vector<std::string> numbers;
  std::vector<std::size_t> unnamed;
  spec.list(
      "ports", may_lack_ports ? Need::kOptional : Need::kRequired,
      {.min = may_lack_ports ? 0U : 1U}, [&](FieldReader& reader) {
        const ServicePort port = read_port(reader);
        if (reader.lacks_text("name")) unnamed.push_back(ports.size());
        names.push_back(port.name);
        numbers.push_back(port.port == 0 ? "" : fmt::format("{}/{}", port.port, port.protocol));
        ports.push_back(port);
      });
  if (ports.size() > 1) {
    for (const std::size_t i : unnamed) {
      spec.refuse("ports", i, "name is missing; it is required when there are several ports");
    }
  }
  spec.refuse_repeated("ports", names);
  spec.refuse_repeated("ports", numbers);
  return ports;
}

}  // namespace

Service decode_service(FieldReader& root, Meta meta) {
  Service service;
  service.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    service.type = spec.text_or("type", service.type, kType);
    service.cluster_ip = spec.text_or("clusterIP", "", kAnyText);
    service.headless = service.cluster_ip == "None";
    if (service.headless) service.cluster_ip.clear();
    service.has_selector = !spec.text_map("selector", {}).empty();
    if (service.has_selector) {
      spec.warn("selector",
                "ignored: without Kubernetes nobody selects pods; list the endpoints in an "
                "EndpointSlice with the label kubernetes.io/service-name");
    }
    const std::string external_name = spec.text_or("externalName", "", kAnyText);
    if (service.type == "ExternalName" && external_name.empty()) {
      spec.refuse("externalName", "missing, but required for type ExternalName");
    }
    service.ports = read_ports(spec, service.headless || service.type == "ExternalName");
    spec.ignore({"clusterIPs", "externalIPs", "sessionAffinity", "sessionAffinityConfig",
                 "loadBalancerIP", "loadBalancerSourceRanges", "loadBalancerClass",
                 "externalTrafficPolicy", "internalTrafficPolicy", "healthCheckNodePort",
                 "publishNotReadyAddresses", "ipFamilies", "ipFamilyPolicy",
                 "allocateLoadBalancerNodePorts", "trafficDistribution"});
  });
  return service;
}

}  // namespace sluice::model

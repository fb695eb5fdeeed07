// The core and discovery kinds that Sluice reads, and Backend (sluice.dev/v1alpha1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::model {

struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::string protocol = "TCP";
  std::optional<std::string> app_protocol;
  std::string target_port;  // as written: number or name; default: the port
  bool operator==(const ServicePort&) const = default;
};

struct Service {
  Meta meta;
  std::string type = "ClusterIP";
  bool headless = false;
  std::string cluster_ip = {};  // "": it has none
  bool has_selector = false;
  std::vector<ServicePort> ports;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  bool operator==(const SliceEndpoint&) const = default;
};

struct SlicePort {
  std::string name;
  std::string protocol = "TCP";
  std::optional<std::uint16_t> port;
  bool operator==(const SlicePort&) const = default;
};

// service: the label kubernetes.io/service-name, or "".
struct EndpointSlice {
  Meta meta;
  std::string service;
  std::string address_type;  // IPv4, IPv6, FQDN
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
};

struct Namespace {
  Meta meta;  // labels include kubernetes.io/metadata.name
};

// The entries tls.crt and tls.key, decoded. They are never part of a message, log or dump.
struct Secret {
  Meta meta;
  std::string type;
  std::optional<std::string> tls_certificate;
  std::optional<std::string> tls_key;
};

struct ConfigMap {
  Meta meta;
  std::optional<std::string> ca_certificates;  // the entry ca.crt
};

// Certificates of authorities that the whole cluster may know.
struct ClusterTrustBundle {
  Meta meta;
  std::string pem;
};

// One of address+port, hostname+port or unix_path.
struct BackendEndpoint {
  std::string address;
  std::uint16_t port = 0;
  std::string unix_path;
  std::string hostname = {};
  bool operator==(const BackendEndpoint&) const = default;
};

struct Backend {
  Meta meta;
  std::vector<BackendEndpoint> endpoints;
};

}  // namespace sluice::model

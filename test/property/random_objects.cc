#include "test/property/random_objects.h"

#include <array>
#include <utility>

#include "controller/model/decode/decode.h"
#include "test/harness/certificates.h"

namespace sluice {

using nlohmann::json;

model::Change RandomObjects::next_change() {
  while (true) {
    const model::Decoded decoded = model::decode_object(random_object(), {"world.yaml", 1});
    if (decoded.object == nullptr) {
      ++refused_;
      continue;
    }
    if (one_in(5)) return {decoded.key, nullptr};
    return {decoded.key, decoded.object};
  }
}

json RandomObjects::object(const char* api, const char* kind, const std::string& name) {
  json metadata = {{"name", name}, {"generation", below(3) + 1}};
  if (one_in(2)) {
    metadata["creationTimestamp"] = "2026-01-0" + std::to_string(below(3) + 1) + "T00:00:00Z";
  }
  return {{"apiVersion", api}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

json RandomObjects::random_object() {
  json made;
  switch (below(20)) {
    case 0:
      return one_in(3) ? gateway_class() : one_in(2) ? trust_bundle() : namespaced_labels();
    case 1:
    case 2:
      made = gateway();
      break;
    case 3:
      made = grant();
      break;
    case 4:
      made = service();
      break;
    case 5:
    case 6:
      made = slice();
      break;
    case 7:
      made = backend();
      break;
    case 8:
      made = secret();
      break;
    case 9:
      made = policy();
      break;
    case 10:
      made = config_map();
      break;
    case 11:
      made = parameters();
      break;
    case 12:
    case 13:
      made = listener_set();
      break;
    default:
      made = route();
      break;
  }
  made["metadata"]["namespace"] = ns();
  return made;
}

json RandomObjects::gateway_class() {
  json made = object("gateway.networking.k8s.io/v1", "GatewayClass", one_of({"sluice", "other"}));
  made["spec"]["controllerName"] =
      one_in(5) ? "someone.else/controller" : "sluice.dev/gateway-controller";
  if (one_in(4)) {
    json& ref = made["spec"]["parametersRef"] = parameters_ref();
    ref["namespace"] = ns();
  }
  return made;
}

json RandomObjects::parameters_ref() {
  return {{"group", "sluice.dev"}, {"kind", "GatewayParameters"}, {"name", one_of({"p", "q"})}};
}

json RandomObjects::parameters() {
  json made = object("sluice.dev/v1alpha1", "GatewayParameters", one_of({"p", "p", "q"}));
  made["spec"] = json::object();
  if (one_in(2)) made["spec"]["limits"]["maxBodyBytes"] = 1000 + below(2);
  if (one_in(3)) made["spec"]["clientAddress"]["trustedProxies"] = {"10.0.0.0/8"};
  if (one_in(3)) made["spec"]["clientAddress"]["proxyProtocolPorts"] = {80 + below(2)};
  if (one_in(3)) made["spec"]["relay"]["proxyProtocolPorts"] = {80 + below(2)};
  return made;
}

json RandomObjects::namespaced_labels() {
  const std::string name = ns();
  json made = object("v1", "Namespace", name);
  made["metadata"]["labels"] = {{"kubernetes.io/metadata.name", name},
                                {"team", one_of({"x", "y", "z"})}};
  return made;
}

json RandomObjects::gateway() {
  json made = object("gateway.networking.k8s.io/v1", "Gateway", one_of({"gw", "edge"}));
  made["spec"]["gatewayClassName"] = one_of({"sluice", "sluice", "sluice", "other"});
  if (one_in(4)) made["spec"]["infrastructure"]["parametersRef"] = parameters_ref();
  made["spec"]["listeners"] = listeners();
  if (!one_in(3)) {
    json& namespaces = made["spec"]["allowedListeners"]["namespaces"];
    namespaces["from"] = one_of({"All", "All", "Same", "Selector", "None"});
    namespaces["selector"]["matchLabels"] = {{"team", one_of({"x", "y"})}};
  }
  if (one_in(4)) {
    made["spec"]["addresses"] = {{{"type", "IPAddress"}, {"value", one_of({"10.0.0.1", "::1"})}}};
  }
  if (one_in(2)) {
    made["spec"]["tls"]["frontend"]["default"] = one_in(4) ? json::object() : client_validation();
    if (one_in(2)) {
      made["spec"]["tls"]["frontend"]["perPort"] = {{{"port", 80}, {"tls", client_validation()}}};
    }
  }
  if (one_in(3)) {
    json ref = {{"name", one_of({"cert", "chain", "missing"})}};
    if (one_in(3)) ref["namespace"] = ns();
    made["spec"]["tls"]["backend"]["clientCertificateRef"] = std::move(ref);
  }
  return made;
}

json RandomObjects::listeners() {
  json made = json::array();
  const int count = below(3) + 1;
  for (int i = 0; i < count; ++i)
    made.push_back(listener(i));
  return made;
}

json RandomObjects::listener_set() {
  json made = object("gateway.networking.k8s.io/v1", "ListenerSet", one_of({"set", "gw"}));
  json& ref = made["spec"]["parentRef"] = {{"name", one_of({"gw", "gw", "edge"})}};
  if (one_in(2)) ref["namespace"] = ns();
  if (one_in(20)) ref["kind"] = "Service";
  made["spec"]["listeners"] = listeners();
  return made;
}

json RandomObjects::client_validation() {
  json validation = {{"mode", one_of({"AllowValidOnly", "AllowInsecureFallback"})}};
  const int count = below(2) + 1;
  for (int i = 0; i < count; ++i) {
    json ref = {{"group", ""}, {"kind", "ConfigMap"}, {"name", one_of({"ca", "more", "missing"})}};
    if (one_in(3)) ref["namespace"] = ns();
    if (one_in(10)) ref["kind"] = "Secret";
    if (one_in(4)) ref = trust_bundle_ref();
    validation["caCertificateRefs"].push_back(std::move(ref));
  }
  return {{"validation", std::move(validation)}};
}

json RandomObjects::listener(int index) {
  json made = {{"name", "l" + std::to_string(index)},
               {"port", one_in(3) ? 81 : 80},
               {"protocol", one_in(4)    ? "HTTPS"
                            : one_in(6)  ? "TLS"
                            : one_in(10) ? "TCP"
                            : one_in(10) ? "UDP"
                                         : "HTTP"}};
  const bool stream = made["protocol"] == "TCP" || made["protocol"] == "UDP";
  if (made["protocol"] == "HTTPS") made["tls"] = tls();
  if (made["protocol"] == "TLS") {
    made["tls"] = one_in(2) ? json{{"mode", "Passthrough"}} : tls();
    if (!made["tls"].contains("mode")) made["tls"]["mode"] = "Terminate";
  }
  if (!one_in(3) && !stream) {
    made["hostname"] = one_of({"a.example.com", "*.example.com", "*.b.example.com", "b.org"});
  }
  const std::string from = one_of({"All", "All", "Same", "Selector"});
  made["allowedRoutes"]["namespaces"]["from"] = from;
  if (from == "Selector") {
    made["allowedRoutes"]["namespaces"]["selector"]["matchLabels"] = {{"team", one_of({"x", "y"})}};
  }
  return made;
}

json RandomObjects::tls() {
  json made = json::object();
  const int count = below(3) + 1;
  for (int i = 0; i < count; ++i) {
    json ref = {{"name", one_of({"cert", "chain", "missing"})}};
    if (one_in(3)) ref["namespace"] = ns();
    if (one_in(10)) ref["kind"] = "ConfigMap";
    made["certificateRefs"].push_back(std::move(ref));
  }
  if (one_in(4)) {
    made["options"] = {{"sluice.dev/min-tls-version", one_of({"1.2", "1.3", "1.1"})}};
  }
  return made;
}

json RandomObjects::secret() {
  static const std::array certificates = {make_certificate("a.example.com"),
                                          make_certificate("b.org"), make_certificate("c")};
  const TestCertificate& one = certificates[static_cast<std::size_t>(below(3))];
  const TestCertificate& other = one_in(6) ? certificates[0] : one;
  json made = object("v1", "Secret", one_of({"cert", "chain"}));
  made["type"] = one_in(8) ? "Opaque" : "kubernetes.io/tls";
  made["stringData"] = {{"tls.crt", one.certificate}, {"tls.key", other.key}};
  return made;
}

json RandomObjects::config_map() {
  static const TestCertificate authority = make_certificate("authority");
  json made = object("v1", "ConfigMap", one_of({"ca", "more"}));
  made["data"]["ca.crt"] = one_in(4) ? "Hello world" : authority.certificate;
  return made;
}

json RandomObjects::trust_bundle() {
  static const TestCertificate authority = make_certificate("bundled");
  json made = object("certificates.k8s.io/v1", "ClusterTrustBundle", one_of({"ca", "more"}));
  made["spec"]["trustBundle"] = one_in(4) ? "" : authority.certificate;
  return made;
}

json RandomObjects::trust_bundle_ref() {
  return {{"group", "certificates.k8s.io"},
          {"kind", "ClusterTrustBundle"},
          {"name", one_of({"ca", "more", "missing"})}};
}

model::InstalledApi RandomObjects::next_api() {
  model::InstalledApi api;
  const std::string release = one_of({"v1.7.0", "v1.6.3", "v1.4.1"});
  api.releases.insert(release);
  api.bundles[model::Kind::kGateway] = {release, one_in(2)};
  if (one_in(2)) api.absent.insert(model::Kind::kClusterTrustBundle);
  return api;
}

json RandomObjects::policy() {
  json made = object("gateway.networking.k8s.io/v1", "BackendTLSPolicy", one_of({"p", "q", "r"}));
  json target = {{"group", ""}, {"kind", "Service"}, {"name", one_of({"s", "t"})}};
  if (one_in(4)) {
    target = {{"group", "sluice.dev"}, {"kind", "Backend"}, {"name", "k"}};
  } else if (one_in(3)) {
    target["sectionName"] = one_of({"http", "web"});
  }
  made["spec"]["targetRefs"].push_back(std::move(target));
  json& validation = made["spec"]["validation"];
  validation["hostname"] = one_of({"a.example.com", "b.org"});
  if (one_in(4)) {
    validation["wellKnownCACertificates"] = "System";
  } else {
    const std::string kind = one_of({"ConfigMap", "ConfigMap", "ConfigMap", "Secret"});
    json ref = {{"group", ""}, {"kind", kind}, {"name", one_of({"ca", "more", "missing"})}};
    if (one_in(4)) ref = trust_bundle_ref();
    validation["caCertificateRefs"].push_back(std::move(ref));
  }
  if (one_in(4)) {
    validation["subjectAltNames"].push_back({{"type", "URI"}, {"uri", "spiffe://a/b"}});
  }
  return made;
}

json RandomObjects::grant() {
  json made = object("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", one_of({"g", "h"}));
  made["spec"]["from"] = {{{"group", "gateway.networking.k8s.io"},
                           {"kind", one_of({"HTTPRoute", "GRPCRoute", "TLSRoute", "UDPRoute"})},
                           {"namespace", ns()}}};
  if (one_in(2)) {
    made["spec"]["from"].push_back({{"group", "gateway.networking.k8s.io"},
                                    {"kind", one_of({"Gateway", "ListenerSet"})},
                                    {"namespace", ns()}});
    json secret = {{"group", ""}, {"kind", "Secret"}};
    if (one_in(3)) secret["name"] = "cert";
    made["spec"]["to"].push_back(std::move(secret));
    if (one_in(2)) made["spec"]["to"].push_back({{"group", ""}, {"kind", "ConfigMap"}});
  }
  json to = {{"group", ""}, {"kind", "Service"}};
  if (one_in(3)) to["name"] = "s";
  made["spec"]["to"].push_back(std::move(to));
  if (one_in(2)) made["spec"]["to"].push_back({{"group", "sluice.dev"}, {"kind", "Backend"}});
  return made;
}

json RandomObjects::service() {
  json made = object("v1", "Service", one_of({"s", "t"}));
  json port = {{"name", one_of({"http", "web"})}, {"port", one_in(3) ? 81 : 80}};
  if (one_in(8)) port["appProtocol"] = one_of({"kubernetes.io/h2c", "https"});
  if (one_in(3)) {
    made["spec"]["ports"].push_back({{"name", "udp"}, {"port", port["port"]}, {"protocol", "UDP"}});
  }
  made["spec"]["ports"].push_back(std::move(port));
  return made;
}

json RandomObjects::slice() {
  json made = object("discovery.k8s.io/v1", "EndpointSlice", one_of({"s1", "s2", "t1"}));
  made["metadata"]["labels"]["kubernetes.io/service-name"] = one_of({"s", "s", "t"});
  made["addressType"] = "IPv4";
  made["endpoints"] = json::array();
  const int count = below(3);
  for (int i = 0; i < count; ++i) {
    made["endpoints"].push_back({{"addresses", {"10.1.0." + std::to_string(below(4))}},
                                 {"conditions", {{"ready", !one_in(4)}}}});
  }
  made["ports"].push_back({{"name", one_of({"http", "web"})}, {"port", 8080}});
  if (one_in(3)) made["ports"].push_back({{"name", "udp"}, {"port", 53}, {"protocol", "UDP"}});
  return made;
}

json RandomObjects::backend() {
  json made = object("sluice.dev/v1alpha1", "Backend", "k");
  made["spec"]["endpoints"].push_back({{"address", "127.0.0.1"}, {"port", 1000 + below(2)}});
  if (one_in(2)) {
    made["spec"]["endpoints"].push_back({{"hostname", "api.example.com"}, {"port", 1000}});
  }
  return made;
}

model::HostAnswer RandomObjects::next_answer() {
  model::HostAnswer answer{"api.example.com", {}};
  const int addresses = below(3);
  for (int i = 0; i < addresses; ++i)
    answer.addresses.push_back("10.2.0." + std::to_string(i + below(2)));
  return answer;
}

}  // namespace sluice

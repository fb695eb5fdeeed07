#include "controller/source/kube/gateway_objects.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "controller/model/derived_name.h"
#include "controller/source/kube/json_text.h"
#include "shared/base/hash.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kNameLabel = "gateway.networking.k8s.io/gateway-name";
constexpr const char* kController = "sluice.dev/controller-name";
// The hash of what was applied: fields that are left out now are fields that differ.
constexpr const char* kApplied = "sluice.dev/applied";

json labels_at(const json& gateway, const char* path) {
  json found = value_at(gateway, path);
  return found.is_object() ? found : json::object();
}

void add_hash(json& object) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx",
                static_cast<unsigned long long>(content_hash128(object.dump())[0]));
  object["metadata"]["annotations"][kApplied] = digits.data();
}

// What all objects of a Gateway have in common.
json object_of(const json& gateway, const GatewayPlace& place, model::Kind kind,
               const std::string& name) {
  const std::string owner_name = text_at(gateway, "/metadata/name");
  json labels = labels_at(gateway, "/spec/infrastructure/labels");
  labels[kNameLabel] = model::label_of_name(owner_name);
  json annotations = labels_at(gateway, "/spec/infrastructure/annotations");
  annotations[kController] = place.controller_name;
  const json owner = {{"apiVersion", value_at(gateway, "/apiVersion")},
                      {"kind", "Gateway"},
                      {"name", owner_name},
                      {"uid", value_at(gateway, "/metadata/uid")}};
  const std::string group(model::kind_group(kind));
  return {{"apiVersion", group.empty() ? "v1" : group + "/v1"},
          {"kind", model::kind_name(kind)},
          {"metadata",
           {{"name", name},
            {"namespace", text_at(gateway, "/metadata/namespace")},
            {"labels", std::move(labels)},
            {"annotations", std::move(annotations)},
            {"ownerReferences", json::array({owner})}}}};
}

// Each port once.
json ports_of(const json& gateway, std::uint16_t offset) {
  std::map<std::string, json> ports;
  for (const json& listener : value_at(gateway, "/spec/listeners")) {
    const std::int64_t port = number_at(listener, "/port");
    const bool udp = text_at(listener, "/protocol") == "UDP";
    std::string name = (udp ? "udp-" : "tcp-") + std::to_string(port);
    json told = {{"name", name}, {"protocol", udp ? "UDP" : "TCP"}, {"port", port + offset}};
    ports.emplace(std::move(name), std::move(told));
  }
  json list = json::array();
  for (auto& [name, port] : ports)
    list.push_back(std::move(port));
  return list;
}

using Objects = std::map<model::ObjectKey, json>;

void add(model::Kind kind, json object, Objects& objects) {
  add_hash(object);
  model::ObjectKey key{kind,
                       {text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")}};
  objects.emplace(std::move(key), std::move(object));
}

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// A cluster IP, of the family of the address that it leads to.
void add_cluster_ip(const json& gateway, const GatewayPlace& place, const std::string& value,
                    std::size_t index, Objects& objects) {
  const auto leads_to = std::ranges::find_if(place.addresses, [&](const std::string& address) {
    return value.empty() || is_ipv6(value) == is_ipv6(address);
  });
  if (leads_to == place.addresses.end()) return;
  const char* family = is_ipv6(*leads_to) ? "IPv6" : "IPv4";
  const std::string name = model::cluster_service_name(text_at(gateway, "/metadata/name"),
                                                       text_at(gateway, "/metadata/uid"), index);
  json service = object_of(gateway, place, model::Kind::kService, name);
  service["spec"] = {{"type", "ClusterIP"},
                     {"ipFamilies", json::array({family})},
                     {"ipFamilyPolicy", "SingleStack"},
                     {"ports", ports_of(gateway, 0)}};
  if (!value.empty()) service["spec"]["clusterIP"] = value;
  add(model::Kind::kService, std::move(service), objects);
  json slice = object_of(gateway, place, model::Kind::kEndpointSlice, name);
  slice["metadata"]["labels"]["kubernetes.io/service-name"] = name;
  slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] = "sluice.dev";
  slice["addressType"] = family;
  const json endpoint = {{"addresses", json::array({*leads_to})},
                         {"conditions", {{"ready", true}}}};
  slice["endpoints"] = json::array({endpoint});
  slice["ports"] = ports_of(gateway, place.port_offset);
  add(model::Kind::kEndpointSlice, std::move(slice), objects);
}

}  // namespace

Objects gateway_objects(const json& gateway, const GatewayPlace& place) {
  json service = object_of(
      gateway, place, model::Kind::kService,
      model::derived_name(text_at(gateway, "/metadata/name"), text_at(gateway, "/metadata/uid")));
  service["spec"] = {{"type", "ClusterIP"}, {"clusterIP", "None"}};
  Objects objects;
  add(model::Kind::kService, std::move(service), objects);
  std::size_t index = 0;
  for (const json& address : value_at(gateway, "/spec/addresses")) {
    if (text_at(address, "/routability") != "Cluster") continue;
    add_cluster_ip(gateway, place, text_at(address, "/value"), index++, objects);
  }
  return objects;
}

bool says(const json& object, const json& wanted) {
  if (wanted.is_object()) {
    return object.is_object() && std::ranges::all_of(wanted.items(), [&](const auto& field) {
             const auto found = object.find(field.key());
             return found != object.end() && says(*found, field.value());
           });
  }
  if (wanted.is_array()) {
    return object.is_array() && std::ranges::all_of(wanted, [&](const json& element) {
             return std::ranges::any_of(object,
                                        [&](const json& each) { return says(each, element); });
           });
  }
  return object == wanted;
}

bool is_made_by(const json& object, const std::string& controller_name) {
  const json annotations = value_at(object, "/metadata/annotations");
  const auto found = annotations.find(kController);
  return found != annotations.end() && *found == controller_name;
}

}  // namespace sluice::source

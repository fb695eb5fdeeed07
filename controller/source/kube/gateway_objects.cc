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

json service_of(const json& gateway, const std::string& controller_name) {
  const std::string name = text_at(gateway, "/metadata/name");
  const std::string uid = text_at(gateway, "/metadata/uid");
  json labels = labels_at(gateway, "/spec/infrastructure/labels");
  labels[kNameLabel] = model::label_of_name(name);
  json annotations = labels_at(gateway, "/spec/infrastructure/annotations");
  annotations[kController] = controller_name;
  const json owner = {{"apiVersion", value_at(gateway, "/apiVersion")},
                      {"kind", "Gateway"},
                      {"name", name},
                      {"uid", uid}};
  json service = {{"apiVersion", "v1"},
                  {"kind", "Service"},
                  {"metadata",
                   {{"name", model::derived_name(name, uid)},
                    {"namespace", text_at(gateway, "/metadata/namespace")},
                    {"labels", std::move(labels)},
                    {"annotations", std::move(annotations)},
                    {"ownerReferences", json::array({owner})}}},
                  {"spec", {{"type", "ClusterIP"}, {"clusterIP", "None"}}}};
  add_hash(service);
  return service;
}

}  // namespace

std::map<model::ObjectKey, json> gateway_objects(const json& gateway,
                                                 const std::string& controller_name) {
  json service = service_of(gateway, controller_name);
  model::ObjectKey key{
      model::Kind::kService,
      {text_at(service, "/metadata/namespace"), text_at(service, "/metadata/name")}};
  std::map<model::ObjectKey, json> objects;
  objects.emplace(std::move(key), std::move(service));
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

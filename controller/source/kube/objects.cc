#include "controller/source/kube/objects.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/model/decode/decode.h"
#include "controller/source/kube/json_text.h"

namespace sluice::source {

namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string api_version(model::Kind kind) {
  const std::string group(model::kind_group(kind));
  const std::string version(model::preferred_version(kind));
  return group.empty() ? version : group + "/" + version;
}

// Takes out of `object` what changes without a change of meaning.
SeenObject take_apart(json& object) {
  SeenObject seen;
  const auto status = object.find("status");
  if (status != object.end()) {
    if (!status->is_null()) seen.status = kept_text(*status);
    object.erase(status);
  }
  const std::string api_version = text_of(object, "apiVersion");
  seen.version = api_version.substr(api_version.find('/') + 1);
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) {
    seen.uid = text_of(*metadata, "uid");
    seen.resource_version = text_of(*metadata, "resourceVersion");
    metadata->erase("managedFields");
    metadata->erase("resourceVersion");
  }
  seen.text = kept_text(object);
  return seen;
}

model::ObjectKey key_of(model::Kind kind, const json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return {kind, {}};
  return {kind, {text_of(*metadata, "namespace"), text_of(*metadata, "name")}};
}

std::vector<model::Problem> sorted(std::vector<model::Problem> problems) {
  std::sort(problems.begin(), problems.end());
  return problems;
}

}  // namespace

std::optional<model::Change> KubeObjects::put(model::Kind kind, json object) {
  if (!object.is_object()) return std::nullopt;
  if (!object.contains("kind")) object["kind"] = model::kind_name(kind);
  if (!object.contains("apiVersion")) object["apiVersion"] = api_version(kind);
  const model::ObjectKey key = key_of(kind, object);
  SeenObject seen = take_apart(object);
  const auto before = seen_.find(key);
  // An object that was deleted and created again is another one, also when it looks the same.
  if (before != seen_.end() && before->second.text == seen.text && before->second.uid == seen.uid) {
    before->second.status = std::move(seen.status);
    before->second.resource_version = std::move(seen.resource_version);
    return std::nullopt;
  }
  model::Decoded decoded = model::decode_object(object, {});
  seen.errors = std::move(decoded.errors);
  seen.warnings = std::move(decoded.warnings);
  note_faults(key, seen);
  seen_[key] = std::move(seen);
  if (decoded.object == nullptr) return std::nullopt;
  return model::Change{key, std::move(decoded.object)};
}

std::optional<model::Change> KubeObjects::remove(const model::ObjectKey& key) {
  if (seen_.erase(key) == 0) return std::nullopt;
  faulty_.erase(key);
  return model::Change{key, nullptr};
}

void KubeObjects::note_faults(const model::ObjectKey& key, const SeenObject& seen) {
  if (seen.errors.empty() && seen.warnings.empty()) {
    faulty_.erase(key);
  } else {
    faulty_.insert(key);
  }
}

const SeenObject* KubeObjects::find(const model::ObjectKey& key) const {
  const auto found = seen_.find(key);
  return found == seen_.end() ? nullptr : &found->second;
}

std::vector<model::Problem> KubeObjects::problems() const {
  std::vector<model::Problem> all;
  for (const model::ObjectKey& key : faulty_) {
    const SeenObject& seen = seen_.at(key);
    all.insert(all.end(), seen.errors.begin(), seen.errors.end());
  }
  return sorted(std::move(all));
}

std::vector<model::Problem> KubeObjects::warnings() const {
  std::vector<model::Problem> all;
  for (const model::ObjectKey& key : faulty_) {
    const SeenObject& seen = seen_.at(key);
    all.insert(all.end(), seen.warnings.begin(), seen.warnings.end());
  }
  return sorted(std::move(all));
}

}  // namespace sluice::source

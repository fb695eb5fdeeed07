#include "controller/resolve/trust_source.h"

#include <fmt/format.h>

#include <utility>

namespace sluice::resolve {

namespace {

using certificates::CheckedAnchors;
using model::Kind;
using model::ObjectKey;

constexpr const char* kEntry = "ca.crt";
constexpr const char* kField = "spec.trustBundle";

CheckedAnchors without(const ObjectKey& key, std::string_view problem) {
  return {"", fmt::format("{} {} {}", model::kind_name(key.kind), key.name.text(), problem)};
}

CheckedAnchors check(const ObjectKey& key, const char* place, const std::string& pem) {
  CheckedAnchors checked = certificates::check_trust_anchors(pem);
  if (!checked.problem.empty()) {
    checked.problem = fmt::format("{} {}: {}: {}", model::kind_name(key.kind), key.name.text(),
                                  place, checked.problem);
  }
  return checked;
}

}  // namespace

std::optional<ObjectKey> trust_source(std::string_view group, std::string_view kind,
                                      const std::string& ns, const std::string& name) {
  const std::optional<Kind> found = model::find_kind(group, kind);
  if (found == Kind::kConfigMap) return ObjectKey{*found, {ns, name}};
  if (found == Kind::kClusterTrustBundle) return ObjectKey{*found, {"", name}};
  return std::nullopt;
}

std::string unknown_trust_source(std::string_view group, std::string_view kind,
                                 const std::optional<ObjectKey>& source) {
  if (source) return fmt::format("the API server serves no {}", model::kind_name(source->kind));
  return fmt::format(
      "{} of group \"{}\" holds no certificates here; ConfigMap of group \"\" and {} of group "
      "\"{}\" do",
      kind, group, model::kind_name(Kind::kClusterTrustBundle),
      model::kind_group(Kind::kClusterTrustBundle));
}

CheckedAnchors read_trust_source(const ObjectKey& key, const model::Store& store) {
  const model::Object* const object = store.find_object(key);
  if (object == nullptr) return without(key, "does not exist");
  if (const auto* const bundle = std::get_if<model::ClusterTrustBundle>(object)) {
    return check(key, kField, bundle->pem);
  }
  const auto& map = std::get<model::ConfigMap>(*object);
  if (!map.ca_certificates) return without(key, "has no entry ca.crt");
  return check(key, kEntry, *map.ca_certificates);
}

}  // namespace sluice::resolve

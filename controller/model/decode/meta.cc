// metadata of every kind. Spec: Kubernetes ObjectMeta
#include "controller/model/decode/kinds.h"
#include "controller/model/decode/timestamp.h"

namespace sluice::model {

namespace {

constexpr std::string_view kDefaultNamespace = "default";
constexpr std::string_view kNamespaceNameLabel = "kubernetes.io/metadata.name";

constexpr MapRule kLabelRule = {.key = kLabelKey, .value = kLabelValue};
constexpr MapRule kAnnotationRule = {.key = kAnnotationKey};

bool is_trust_bundle_name(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  return is_dns_subdomain(colon == std::string_view::npos ? text : text.substr(colon + 1));
}

// What comes before the last ":" is its signer's business.
constexpr TextRule kTrustBundleName = {
    .min = 1,
    .valid = is_trust_bundle_name,
    .expected = "such as \"my-ca\" or \"example.com:signer:v1\""};

const TextRule& name_rule(Kind kind) {
  if (kind == Kind::kClusterTrustBundle) return kTrustBundleName;
  return kind == Kind::kNamespace || kind == Kind::kService ? kDnsLabel : kDnsSubdomain;
}

std::string read_namespace(FieldReader& metadata, Kind kind) {
  if (is_namespaced(kind)) return metadata.text_or("namespace", kDefaultNamespace, kDnsLabel);
  if (metadata.has("namespace")) {
    metadata.warn("namespace",
                  "ignored: a " + std::string(kind_name(kind)) + " belongs to no namespace");
  }
  metadata.ignore({"namespace"});
  return "";
}

std::optional<std::int64_t> read_created(FieldReader& metadata) {
  const std::optional<std::string> text = metadata.text("creationTimestamp", kAnyText);
  if (!text) return std::nullopt;
  const std::optional<std::int64_t> created = parse_timestamp(*text);
  if (!created) {
    metadata.refuse("creationTimestamp",
                    "found " + quote(*text) + "; valid is a time such as \"2026-01-31T12:00:00Z\"");
  }
  return created;
}

}  // namespace

Meta decode_meta(FieldReader& root, Kind kind) {
  Meta meta;
  root.object("metadata", Need::kRequired, [&](FieldReader& metadata) {
    metadata.treat_null_as_absent();
    meta.name.name = metadata.required_text("name", name_rule(kind));
    meta.name.ns = read_namespace(metadata, kind);
    meta.labels = metadata.text_map("labels", kLabelRule);
    meta.annotations = metadata.text_map("annotations", kAnnotationRule);
    meta.uid = metadata.text_or("uid", "", kAnyText);
    meta.created = read_created(metadata);
    meta.generation =
        metadata.integer("generation", Need::kOptional, {0, INT64_MAX}).value_or(meta.generation);
    metadata.ignore({"generateName", "resourceVersion", "managedFields", "ownerReferences",
                     "finalizers", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"});
  });
  if (kind == Kind::kNamespace) meta.labels[std::string(kNamespaceNameLabel)] = meta.name.name;
  return meta;
}

}  // namespace sluice::model

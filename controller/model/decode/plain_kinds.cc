// Kinds of which little is read: Namespace, Secret, ConfigMap and ClusterTrustBundle.
// Spec: Kubernetes core/v1, certificates.k8s.io/v1
#include <algorithm>

#include "controller/model/decode/base64.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kDataKey = {.min = 1,
                               .max = 253,
                               .valid = is_data_key,
                               .expected = "letters, digits, \"-\", \"_\" and \".\""};
constexpr TextRule kEncoded = {.valid = is_base64, .expected = "base64", .confidential = true};
constexpr const char* kMissingEntry = "is missing; a Secret of type kubernetes.io/tls must have it";
constexpr MapRule kEncodedData = {.key = kDataKey, .value = kEncoded};
constexpr MapRule kTextData = {.key = kDataKey, .value = {.confidential = true}};

constexpr TextRule kTrustBundle = {.max = std::size_t{1} << 20, .confidential = true};

// An entry of data, or of stringData, which the API server merges over it.
std::optional<std::string> find_entry(const Labels& encoded, const Labels& plain,
                                      const std::string& key) {
  const auto text = plain.find(key);
  if (text != plain.end()) return text->second;
  const auto bytes = encoded.find(key);
  if (bytes == encoded.end()) return std::nullopt;
  return decode_base64(bytes->second);
}

}  // namespace

Namespace decode_namespace(FieldReader& root, Meta meta) {
  root.ignore({"spec", "status"});
  return {.meta = std::move(meta)};
}

Secret decode_secret(FieldReader& root, Meta meta) {
  Secret secret;
  secret.meta = std::move(meta);
  secret.type = root.text_or("type", "Opaque", kAnyText);
  const Labels data = root.text_map("data", kEncodedData);
  const Labels string_data = root.text_map("stringData", kTextData);
  secret.tls_certificate = find_entry(data, string_data, "tls.crt");
  secret.tls_key = find_entry(data, string_data, "tls.key");
  if (secret.type == "kubernetes.io/tls") {
    if (!secret.tls_certificate) root.refuse("data[tls.crt]", kMissingEntry);
    if (!secret.tls_key) root.refuse("data[tls.key]", kMissingEntry);
  }
  root.boolean("immutable");
  return secret;
}

ConfigMap decode_config_map(FieldReader& root, Meta meta) {
  ConfigMap config_map;
  config_map.meta = std::move(meta);
  const Labels data = root.text_map("data", kTextData);
  const Labels binary_data = root.text_map("binaryData", kEncodedData);
  config_map.ca_certificates = find_entry(binary_data, data, "ca.crt");
  root.boolean("immutable");
  return config_map;
}

// The bundle of a signer carries its name: "example.com:signer:v1" for "example.com/signer".
ClusterTrustBundle decode_cluster_trust_bundle(FieldReader& root, Meta meta) {
  ClusterTrustBundle bundle;
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    std::string prefix = spec.text_or("signerName", "", kAnyText);
    bundle.pem = spec.required_text("trustBundle", kTrustBundle);
    std::ranges::replace(prefix, '/', ':');
    if (!prefix.empty()) prefix += ':';
    const std::string& name = meta.name.name;
    const bool is_its_own =
        name.starts_with(prefix) && name.find(':', prefix.size()) == std::string::npos;
    if (is_its_own || name.empty()) return;  // an empty one was refused already
    root.refuse("metadata.name",
                prefix.empty() ? "found \":\" in it; valid only in the name of a signer's bundle"
                               : "must begin with " + quote(prefix) + ", as spec.signerName says");
  });
  bundle.meta = std::move(meta);
  return bundle;
}

}  // namespace sluice::model

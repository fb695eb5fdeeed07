// Kinds of which little is read: Namespace, Secret and ConfigMap. Spec: Kubernetes core/v1
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kDataKey = {.min = 1,
                               .max = 253,
                               .valid = is_data_key,
                               .expected = "letters, digits, \"-\", \"_\" and \".\""};
constexpr TextRule kEncoded = {.valid = is_base64, .expected = "base64", .confidential = true};
constexpr MapRule kEncodedData = {.key = kDataKey, .value = kEncoded};
constexpr MapRule kTextData = {.key = kDataKey, .value = {.confidential = true}};

}  // namespace

Namespace decode_namespace(FieldReader& root, Meta meta) {
  root.ignore({"spec", "status"});
  return {.meta = std::move(meta)};
}

Secret decode_secret(FieldReader& root, Meta meta) {
  Secret secret;
  secret.meta = std::move(meta);
  secret.type = root.text_or("type", "Opaque", kAnyText);
  root.text_map("data", kEncodedData);
  root.text_map("stringData", kTextData);
  root.boolean("immutable");
  return secret;
}

ConfigMap decode_config_map(FieldReader& root, Meta meta) {
  root.text_map("data", kTextData);
  root.text_map("binaryData", kEncodedData);
  root.boolean("immutable");
  return {.meta = std::move(meta)};
}

}  // namespace sluice::model

// Spec: gateway-api v1.7.0 standard CRD backendtlspolicies.gateway.networking.k8s.io
#include <fmt/format.h>

#include <array>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 1> kWellKnown = {"System"};
constexpr TextRule kWellKnownCertificates = {.choices = kWellKnown};
constexpr std::array<std::string_view, 2> kNameTypes = {"Hostname", "URI"};
constexpr TextRule kNameType = {.choices = kNameTypes};
constexpr TextRule kUri = {
    .min = 1,
    .max = 253,
    .valid = [](std::string_view text) { return text.find("://") != std::string_view::npos; },
    .expected = "a URI with a scheme, such as \"spiffe://example.com/app\""};
constexpr TextRule kOptionValue = {.max = 4096};

PolicyTarget read_target(FieldReader& ref) {
  return {.group = ref.required_text("group", kGroup),
          .kind = ref.required_text("kind", kKindName),
          .name = ref.required_text("name", kReferenceName),
          .section_name = ref.text("sectionName", kDnsSubdomain)};
}

// Two references to one object must say, and differ in, the section.
void check_targets(const FieldReader& spec, const std::vector<PolicyTarget>& targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const PolicyTarget& a = targets[j];
      const PolicyTarget& b = targets[i];
      if (a.group != b.group || a.kind != b.kind || a.name != b.name) continue;
      if (a.section_name.value_or("").empty() != b.section_name.value_or("").empty()) {
        spec.refuse("targetRefs", i,
                    fmt::format("found {} {} twice; sectionName must be specified in every "
                                "reference to it",
                                b.kind, quote(b.name)));
      } else if (a.section_name.value_or("") == b.section_name.value_or("")) {
        spec.refuse("targetRefs", i,
                    fmt::format("found {} {} twice; sectionName must be unique when targetRefs "
                                "includes 2 or more references to the same target",
                                b.kind, quote(b.name)));
      }
    }
  }
}

PolicySubjectAltName read_subject_alt_name(FieldReader& name) {
  const std::string type = name.required_text("type", kNameType);
  const auto hostname = name.text("hostname", kHostname);
  const auto uri = name.text("uri", kUri);
  if (type.empty()) return {};
  const bool is_uri = type == "URI";
  const char* const wanted = is_uri ? "uri" : "hostname";
  const char* const other = is_uri ? "hostname" : "uri";
  if (!name.has(wanted)) {
    name.refuse(fmt::format("{} must be specified when type is \"{}\"", wanted, type));
  }
  if (name.has(other)) {
    name.refuse(fmt::format("{} must not be specified when type is \"{}\"", other, type));
  }
  return {is_uri, (is_uri ? uri : hostname).value_or("")};
}

void read_validation(FieldReader& validation, BackendTlsPolicy& policy) {
  validation.list("caCertificateRefs", Need::kOptional, {.max = 8}, [&](FieldReader& ref) {
    policy.ca_certificate_refs.push_back({.group = ref.required_text("group", kGroup),
                                          .kind = ref.required_text("kind", kKindName),
                                          .name = ref.required_text("name", kReferenceName)});
  });
  policy.system_certificates =
      validation.text("wellKnownCACertificates", kWellKnownCertificates).has_value();
  if (policy.ca_certificate_refs.empty() != policy.system_certificates) {
    validation.refuse(policy.system_certificates
                          ? "found caCertificateRefs and wellKnownCACertificates; valid is one of "
                            "them"
                          : "found neither caCertificateRefs nor wellKnownCACertificates; one of "
                            "them must be specified");
  }
  policy.hostname = validation.required_text("hostname", kExactHostname);
  validation.list("subjectAltNames", Need::kOptional, {.max = 5}, [&](FieldReader& name) {
    policy.subject_alt_names.push_back(read_subject_alt_name(name));
  });
}

}  // namespace

BackendTlsPolicy decode_backend_tls_policy(FieldReader& root, Meta meta) {
  BackendTlsPolicy policy;
  policy.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    spec.list("targetRefs", Need::kRequired, {.min = 1, .max = 16},
              [&](FieldReader& ref) { policy.targets.push_back(read_target(ref)); });
    check_targets(spec, policy.targets);
    spec.object("validation", Need::kRequired,
                [&](FieldReader& validation) { read_validation(validation, policy); });
    policy.options =
        spec.text_map("options", {.max = 16, .key = kAnnotationKey, .value = kOptionValue});
  });
  return policy;
}

}  // namespace sluice::model

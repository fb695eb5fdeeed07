// spec.tls of a Gateway: validation of clients' certificates, and the certificate that backends
// see. Spec: gateway-api v1.7.0 standard CRD gateways.gateway.networking.k8s.io
#include <array>

#include "controller/model/decode/gateway_parts.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 2> kValidationModes = {"AllowValidOnly",
                                                              "AllowInsecureFallback"};
constexpr TextRule kValidationMode = {.choices = kValidationModes};

void check_validation(FieldReader& tls) {
  tls.object("validation", Need::kOptional, [](FieldReader& validation) {
    validation.text_or("mode", kValidationModes[0], kValidationMode);
    validation.list("caCertificateRefs", Need::kRequired, {.min = 1, .max = 16},
                    [](FieldReader& ref) {
                      ref.required_text("group", kGroup);
                      ref.required_text("kind", kKindName);
                      ref.required_text("name", kReferenceName);
                      ref.text("namespace", kDnsLabel);
                    });
  });
}

void check_frontend(FieldReader& frontend) {
  frontend.object("default", Need::kRequired, check_validation);
  std::vector<std::string> ports;
  frontend.list("perPort", Need::kOptional, {.max = 64}, [&](FieldReader& entry) {
    const auto port = entry.port("port", Need::kRequired);
    ports.push_back(port ? std::to_string(*port) : "");
    entry.object("tls", Need::kRequired, check_validation);
  });
  frontend.refuse_repeated("perPort", ports);
}

}  // namespace

SecretRef read_secret_ref(FieldReader& ref) {
  return {.group = ref.text_or("group", "", kGroup),
          .kind = ref.text_or("kind", "Secret", kKindName),
          .name = ref.required_text("name", kReferenceName),
          .ns = ref.text("namespace", kDnsLabel)};
}

void check_gateway_tls(FieldReader& spec, std::vector<std::string>& unsupported) {
  spec.object("tls", Need::kOptional, [&](FieldReader& tls) {
    tls.object("backend", Need::kOptional, [&](FieldReader& backend) {
      backend.object("clientCertificateRef", Need::kOptional,
                     [](FieldReader& ref) { read_secret_ref(ref); });
      unsupported.push_back(backend.path());
    });
    tls.object("frontend", Need::kOptional, [&](FieldReader& frontend) {
      check_frontend(frontend);
      unsupported.push_back(frontend.path());
    });
  });
}

}  // namespace sluice::model

// spec.tls of a Gateway: validation of clients' certificates, and the certificate that backends
// see. Spec: gateway-api v1.7.0 standard CRD gateways.gateway.networking.k8s.io
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/decode/gateway_parts.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 2> kValidationModes = {"AllowValidOnly",
                                                              "AllowInsecureFallback"};
constexpr TextRule kValidationMode = {.choices = kValidationModes};

std::optional<ClientValidation> read_validation(FieldReader& tls) {
  std::optional<ClientValidation> read;
  tls.object("validation", Need::kOptional, [&](FieldReader& validation) {
    read.emplace();
    read->insecure_fallback =
        validation.text_or("mode", kValidationModes[0], kValidationMode) == kValidationModes[1];
    validation.list(
        "caCertificateRefs", Need::kRequired, {.min = 1, .max = 16}, [&](FieldReader& ref) {
          read->ca_certificate_refs.push_back({.group = ref.required_text("group", kGroup),
                                               .kind = ref.required_text("kind", kKindName),
                                               .name = ref.required_text("name", kReferenceName),
                                               .ns = ref.text("namespace", kDnsLabel)});
        });
  });
  return read;
}

FrontendTls read_frontend(FieldReader& frontend) {
  FrontendTls read;
  frontend.object("default", Need::kRequired,
                  [&](FieldReader& tls) { read.fallback = read_validation(tls); });
  std::vector<std::string> ports;
  frontend.list("perPort", Need::kOptional, {.max = 64}, [&](FieldReader& entry) {
    const auto port = entry.port("port", Need::kRequired);
    ports.push_back(port ? std::to_string(*port) : "");
    std::optional<ClientValidation> validation;
    entry.object("tls", Need::kRequired,
                 [&](FieldReader& tls) { validation = read_validation(tls); });
    read.of_port.emplace(port.value_or(0), std::move(validation));
  });
  frontend.refuse_repeated("perPort", ports);
  return read;
}

}  // namespace

ObjectRef read_secret_ref(FieldReader& ref) {
  return {.group = ref.text_or("group", "", kGroup),
          .kind = ref.text_or("kind", "Secret", kKindName),
          .name = ref.required_text("name", kReferenceName),
          .ns = ref.text("namespace", kDnsLabel)};
}

void read_gateway_tls(FieldReader& spec, Gateway& gateway) {
  spec.object("tls", Need::kOptional, [&](FieldReader& tls) {
    tls.object("backend", Need::kOptional, [&](FieldReader& backend) {
      backend.object("clientCertificateRef", Need::kOptional, [&](FieldReader& ref) {
        gateway.client_certificate_ref = read_secret_ref(ref);
      });
    });
    tls.object("frontend", Need::kOptional,
               [&](FieldReader& frontend) { gateway.frontend_tls = read_frontend(frontend); });
  });
}

}  // namespace sluice::model

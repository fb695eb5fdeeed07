// Spec: gateway-api v1.7.0 standard CRD gatewayclasses.gateway.networking.k8s.io
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kControllerName = {
    .min = 1,
    .max = 253,
    .valid = is_controller_name,
    .expected = "a domain and a path such as \"sluice.dev/gateway-controller\""};
constexpr TextRule kDescription = {.max = 64};

}  // namespace

GatewayClass decode_gateway_class(FieldReader& root, Meta meta) {
  GatewayClass gateway_class;
  gateway_class.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    gateway_class.controller_name = spec.required_text("controllerName", kControllerName);
    spec.text("description", kDescription);
    spec.object("parametersRef", Need::kOptional, [&](FieldReader& ref) {
      gateway_class.parameters_ref = {.group = ref.required_text("group", kGroup),
                                      .kind = ref.required_text("kind", kKindName),
                                      .name = ref.required_text("name", kReferenceName),
                                      .ns = ref.text("namespace", kDnsLabel)};
    });
  });
  return gateway_class;
}

}  // namespace sluice::model

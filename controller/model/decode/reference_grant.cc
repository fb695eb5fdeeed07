// Spec: gateway-api v1.7.0 standard CRD referencegrants.gateway.networking.k8s.io
#include "controller/model/decode/kinds.h"

namespace sluice::model {

ReferenceGrant decode_reference_grant(FieldReader& root, Meta meta) {
  ReferenceGrant grant;
  grant.meta = std::move(meta);
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    spec.list("from", Need::kRequired, {.min = 1, .max = 16}, [&](FieldReader& from) {
      grant.from.push_back({.group = from.required_text("group", kGroup),
                            .kind = from.required_text("kind", kKindName),
                            .ns = from.required_text("namespace", kDnsLabel)});
    });
    spec.list("to", Need::kRequired, {.min = 1, .max = 16}, [&](FieldReader& to) {
      grant.to.push_back({.group = to.required_text("group", kGroup),
                          .kind = to.required_text("kind", kKindName),
                          .name = to.text("name", kReferenceName)});
    });
  });
  return grant;
}

}  // namespace sluice::model

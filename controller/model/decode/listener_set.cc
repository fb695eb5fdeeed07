// Spec: gateway-api v1.7.0 standard CRD listenersets.gateway.networking.k8s.io
#include "controller/model/decode/gateway_parts.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

ListenerSet decode_listener_set(FieldReader& root, Meta meta) {
  ListenerSet set;
  set.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    spec.object("parentRef", Need::kRequired, [&](FieldReader& ref) {
      set.parent = {.group = ref.text_or("group", "gateway.networking.k8s.io", kGroup),
                    .kind = ref.text_or("kind", "Gateway", kKindName),
                    .name = ref.required_text("name", kReferenceName),
                    .ns = ref.text("namespace", kDnsLabel)};
    });
    set.listeners = read_listeners(spec);
  });
  return set;
}

}  // namespace sluice::model

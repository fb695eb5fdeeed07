// spec.parentRefs. Spec: gateway-api v1.7.0 standard CRDs of the route kinds
#include <fmt/format.h>

#include "controller/model/decode/route_parts.h"

namespace sluice::model {

namespace {

ParentRef read_parent_ref(FieldReader& ref) {
  return {.group = ref.text_or("group", "gateway.networking.k8s.io", kGroup),
          .kind = ref.text_or("kind", "Gateway", kKindName),
          .ns = ref.text("namespace", kDnsLabel),
          .name = ref.required_text("name", kReferenceName),
          .section_name = ref.text("sectionName", kDnsSubdomain),
          .port = ref.port("port", Need::kOptional)};
}

bool same_parent(const ParentRef& a, const ParentRef& b) {
  return a.group == b.group && a.kind == b.kind && a.name == b.name && a.ns == b.ns;
}

void check_pair(FieldReader& spec, const std::vector<ParentRef>& refs, std::size_t i,
                std::size_t j) {
  const ParentRef& a = refs[i];
  const ParentRef& b = refs[j];
  if (!same_parent(a, b)) return;
  if (a.section_name.has_value() != b.section_name.has_value()) {
    spec.refuse("parentRefs",
                fmt::format("parentRefs[{}] and parentRefs[{}] name the same parent {}; valid is a "
                            "sectionName in each of them",
                            i, j, quote(a.name)));
  } else if (a.section_name == b.section_name) {
    spec.refuse("parentRefs",
                fmt::format("parentRefs[{}] and parentRefs[{}] name the same parent {}{}; valid "
                            "are different sectionNames",
                            i, j, quote(a.name),
                            a.section_name ? " and sectionName " + quote(*a.section_name) : ""));
  }
}

}  // namespace

std::vector<ParentRef> read_parent_refs(FieldReader& spec) {
  std::vector<ParentRef> refs;
  spec.list("parentRefs", Need::kOptional, {.max = 32},
            [&](FieldReader& ref) { refs.push_back(read_parent_ref(ref)); });
  for (std::size_t j = 1; j < refs.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i)
      check_pair(spec, refs, i, j);
  }
  return refs;
}

}  // namespace sluice::model

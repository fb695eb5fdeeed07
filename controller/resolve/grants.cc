#include "controller/resolve/grants.h"

#include <algorithm>

namespace sluice::resolve {

namespace {

bool grants(const model::ReferenceGrant& grant, model::Kind from, const std::string& from_ns,
            const model::ObjectKey& to) {
  const bool permits_from = std::ranges::any_of(grant.from, [&](const model::GrantFrom& allowed) {
    return allowed.group == model::kind_group(from) && allowed.kind == model::kind_name(from) &&
           allowed.ns == from_ns;
  });
  return permits_from && std::ranges::any_of(grant.to, [&](const model::GrantTo& allowed) {
           return allowed.group == model::kind_group(to.kind) &&
                  allowed.kind == model::kind_name(to.kind) &&
                  (!allowed.name || *allowed.name == to.name.name);
         });
}

}  // namespace

bool is_permitted(const model::Store& store, model::Kind from, const std::string& from_ns,
                  const model::ObjectKey& to) {
  const auto& all = store.all(model::Kind::kReferenceGrant);
  for (auto it = all.lower_bound({to.name.ns, ""}); it != all.end(); ++it) {
    if (it->first.ns != to.name.ns) break;
    const auto* grant = std::get_if<model::ReferenceGrant>(it->second.get());
    if (grant != nullptr && grants(*grant, from, from_ns, to)) return true;
  }
  return false;
}

}  // namespace sluice::resolve

#include "controller/resolve/namespaces.h"

#include <string_view>

namespace sluice::resolve {

namespace {

constexpr std::string_view kMetadataName = "kubernetes.io/metadata.name";

}  // namespace

model::Labels labels_of(const std::string& ns, const model::Store& store) {
  const auto* found = store.find<model::Namespace>(model::Kind::kNamespace, {"", ns});
  model::Labels labels = found == nullptr ? model::Labels{} : found->meta.labels;
  labels.try_emplace(std::string(kMetadataName), ns);
  return labels;
}

bool lets_in(model::FromNamespaces from, const model::LabelSelector& selector,
             const std::string& own, const std::string& other, const model::Labels& labels) {
  switch (from) {
    case model::FromNamespaces::kAll:
      return true;
    case model::FromNamespaces::kSame:
      return own == other;
    case model::FromNamespaces::kSelector:
      return selector.matches(labels);
    case model::FromNamespaces::kNone:
      return false;
  }
  return false;
}

}  // namespace sluice::resolve

// Kubernetes' metav1.LabelSelector: every label and every expression must hold; an empty selector
// matches everything, one with an expression that makes no sense nothing. Spec: apimachinery
// labels.Requirement.Matches
#include <algorithm>

#include "controller/model/gateway.h"

namespace sluice::model {

namespace {

bool holds(const SelectorRequirement& requirement, const Labels& labels) {
  const bool has_values = !requirement.values.empty();
  const auto label = labels.find(requirement.key);
  const bool present = label != labels.end();
  if (requirement.op == "Exists") return present && !has_values;
  if (requirement.op == "DoesNotExist") return !present && !has_values;
  const bool listed =
      present && std::ranges::find(requirement.values, label->second) != requirement.values.end();
  if (requirement.op == "In") return listed;
  if (requirement.op == "NotIn")
    return has_values && !listed;  // a missing label is not in the list either
  return false;
}

}  // namespace

bool LabelSelector::matches(const Labels& labels) const {
  const bool labels_hold = std::ranges::all_of(match_labels, [&](const auto& wanted) {
    const auto label = labels.find(wanted.first);
    return label != labels.end() && label->second == wanted.second;
  });
  return labels_hold && std::ranges::all_of(match_expressions, [&](const auto& requirement) {
           return holds(requirement, labels);
         });
}

}  // namespace sluice::model

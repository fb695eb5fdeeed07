// metav1.LabelSelector. The CRDs let any operator through; one that Kubernetes cannot evaluate
// selects nothing, which deserves a warning.
#include <algorithm>
#include <array>

#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 4> kOperators = {"In", "NotIn", "Exists", "DoesNotExist"};

SelectorRequirement read_requirement(FieldReader& reader) {
  SelectorRequirement requirement;
  requirement.key = reader.required_text("key", kAnyText);
  requirement.op = reader.required_text("operator", kAnyText);
  requirement.values = reader.texts("values", Need::kOptional, {}, kAnyText);
  const bool wants_values = requirement.op == "In" || requirement.op == "NotIn";
  if (std::ranges::find(kOperators, requirement.op) == kOperators.end()) {
    reader.warn("operator", "found " + quote(requirement.op) +
                                ", which selects nothing; valid are \"In\", \"NotIn\", \"Exists\" "
                                "and \"DoesNotExist\"");
  } else if (wants_values == requirement.values.empty()) {
    reader.warn("values", std::string(wants_values ? "empty" : "not empty") + ", so that " +
                              requirement.op + " selects nothing");
  }
  return requirement;
}

}  // namespace

std::optional<LabelSelector> decode_label_selector(FieldReader& reader, std::string_view key) {
  LabelSelector selector;
  const bool present = reader.object(key, Need::kOptional, [&](FieldReader& fields) {
    selector.match_labels = fields.text_map("matchLabels", {});
    fields.list("matchExpressions", Need::kOptional, {}, [&](FieldReader& item) {
      selector.match_expressions.push_back(read_requirement(item));
    });
  });
  if (!present) return std::nullopt;
  return selector;
}

}  // namespace sluice::model

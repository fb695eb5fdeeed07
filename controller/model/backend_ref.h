// A reference to something that has endpoints, as routes and their filters write it.
// Spec: gateway-api v1.7.0 BackendObjectReference, BackendRef
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::model {

// weight: of a rule's backendRefs only.
struct BackendRef {
  std::string group;  // "" = core
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> ns;
  std::optional<std::uint16_t> port;
  std::uint32_t weight = 1;
  bool operator==(const BackendRef&) const = default;
};

}  // namespace sluice::model

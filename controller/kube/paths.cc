#include "controller/kube/paths.h"

#include <fmt/format.h>

namespace sluice::kube {

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char each : text) {
    const bool letter = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
    const bool plain = letter || (each >= '0' && each <= '9') ||
                       std::string_view("-._~").find(each) != std::string_view::npos;
    if (plain) {
      encoded += each;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
  }
  return encoded;
}

std::string collection_path(const Resource& resource, std::string_view ns) {
  // The core group has no name.
  const bool core = resource.api_version.find('/') == std::string::npos;
  const std::string in = ns.empty() ? "" : "/namespaces/" + percent_encoded(ns);
  return fmt::format("{}/{}{}/{}", core ? "/api" : "/apis", resource.api_version, in,
                     resource.plural);
}

std::string object_path(const Resource& resource, std::string_view ns, std::string_view name) {
  return collection_path(resource, ns) + "/" + percent_encoded(name);
}

}  // namespace sluice::kube

// What people should hear of a status that was written: conditions that became bad, or good again.
//
// Process: controller.   Pure.
// Tested by: test/unit/controller/source/kube/news_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sluice::source {

struct News {
  bool warning = false;
  std::string reason;   // the condition's
  std::string message;  // "listener https: ResolvedRefs is False: the Secret ... does not exist"
  bool operator==(const News&) const = default;
};

// Both are an object's `.status`, or null. Of parents and ancestors only those of the controller.
// An object or a listener that is good from the start is no news, but for the object's own Accepted
// and Programmed.
std::vector<News> news_between(const nlohmann::json& before, const nlohmann::json& after,
                               const std::string& controller_name);

}  // namespace sluice::source

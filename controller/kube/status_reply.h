// What an API server says beside the HTTP status when it does not do what it was asked.
//
// Process: controller.   Pure.   Spec: meta/v1 Status
// Tested by: test/unit/controller/kube/status_reply_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/kube/transport.h"

namespace sluice::kube {

struct StatusReply {
  int code = 0;
  std::string reason;              // "Expired", "AlreadyExists"; "" when none was said
  std::string message;             // for people, of one line, never empty
  bool version_too_large = false;  // the server is behind the resourceVersion that it was asked for
};

StatusReply read_status(const nlohmann::json& status);
// Of a reply that is no 2xx, or did not come at all.
StatusReply read_status(const Reply& reply);

}  // namespace sluice::kube

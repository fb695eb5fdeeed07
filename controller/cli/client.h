// Asks a controller over its control socket (HTTP on a Unix socket).
//
// Process: sluicectl.   Fails: kUnavailable when nobody answers there.
// Protocol: controller/control/server.h
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "shared/base/result.h"

namespace sluice::cli {

struct Answer {
  int status = 0;
  nlohmann::json body;
};

using Parameters = std::map<std::string, std::string>;

class Client {
 public:
  explicit Client(std::string socket) : socket_(std::move(socket)) {}

  Result<Answer> get(const std::string& path, const Parameters& parameters = {}) const;
  // `patience_ms`: how long an answer may take.
  Result<Answer> post(const std::string& path, const Parameters& parameters,
                      std::int64_t patience_ms) const;

 private:
  std::string socket_;
};

// The member as text or number; the fallback when it is absent or of another type.
std::string text_member(const nlohmann::json& object, const char* name);
std::int64_t number_member(const nlohmann::json& object, const char* name);
// A reference to the member, or to null.
const nlohmann::json& member(const nlohmann::json& object, const char* name);

}  // namespace sluice::cli

// "127.0.0.1:53", "[::1]:53": an IP address and a port, as options are written.
//
// Pure.   Fails: kInvalid, with what was found and what is valid.
// Tested by: test/unit/shared/base/socket_text_test.cc
#pragma once

#include <cstdint>
#include <string>

#include "shared/base/result.h"

namespace sluice {

struct SocketText {
  std::string address;  // without brackets
  std::uint16_t port = 0;
};

Result<SocketText> parse_socket_text(const std::string& text);

// "": it is one. As options are checked.
std::string why_no_socket_text(const std::string& text);

}  // namespace sluice

#include "shared/base/socket_text.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace sluice {

Result<SocketText> parse_socket_text(const std::string& text) {
  const auto refuse = [&text] {
    return fail(Errc::kInvalid, "found " + text +
                                    "; valid is ADDRESS:PORT, such as 127.0.0.1:8053 or "
                                    "[::1]:8053");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse();
  SocketText socket{text.substr(0, colon), 0};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, socket.port);
  if (parsed.ec != std::errc() || parsed.ptr != end || socket.port == 0) return refuse();
  std::string& address = socket.address;
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (brackets) address = address.substr(1, address.size() - 2);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(brackets ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) {
    return refuse();
  }
  return socket;
}

std::string why_no_socket_text(const std::string& text) {
  const Result<SocketText> parsed = parse_socket_text(text);
  return parsed ? "" : parsed.error().message;
}

}  // namespace sluice

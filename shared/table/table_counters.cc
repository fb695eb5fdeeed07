#include "shared/table/table_counters.h"

#include <string_view>

#include "shared/base/hash.h"

namespace sluice::table {
namespace {

// Before what is hashed, so that no two kinds of identities meet. Those of endpoint addresses begin
// with their family.
constexpr std::string_view kRoute = "route ";
constexpr std::string_view kSocket = "socket ";

}  // namespace

Identity identity_of(const RouteName& route) {
  std::string text(kRoute);
  text += static_cast<char>(route.kind);
  text += route.name;
  return content_hash128(text);
}

Identity identity_of(const SocketKey& socket) {
  std::string text(kSocket);
  text += static_cast<char>(socket.transport);
  text += static_cast<char>(socket.family);
  text += static_cast<char>(socket.port >> 8);
  text += static_cast<char>(socket.port & 0xff);
  for (const std::uint8_t byte : socket.address)
    text += static_cast<char>(byte);
  return content_hash128(text);
}

bool is_counted(RouteKind kind) {
  switch (kind) {
    case RouteKind::kTlsRoute:
    case RouteKind::kTcpRoute:
    case RouteKind::kUdpRoute:
      return true;
    case RouteKind::kHttpRoute:
    case RouteKind::kGrpcRoute:
      break;
  }
  return false;
}

}  // namespace sluice::table

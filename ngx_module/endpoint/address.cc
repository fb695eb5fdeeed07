#include "ngx_module/endpoint/address.h"

#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "ngx_module/core/socket_name.h"

namespace sluice::endpoint {

socklen_t to_address(const balance::Target& target, sockaddr_storage& address) {
  const table::Endpoint& endpoint = target.endpoint;
  if (endpoint.family == table::Family::kUnix) {
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    std::memcpy(path.sun_path, target.path().data(), target.path().size());
    std::memcpy(&address, &path, sizeof path);
    return sizeof path;
  }
  table::SocketKey key;
  key.family = endpoint.family;
  key.port = endpoint.port;
  std::copy(std::begin(endpoint.address), std::end(endpoint.address), std::begin(key.address));
  return core::to_sockaddr(key, address);
}

}  // namespace sluice::endpoint

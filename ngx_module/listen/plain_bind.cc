#include "ngx_module/listen/plain_bind.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "ngx_module/core/socket_name.h"

namespace sluice::listen {

namespace {

constexpr int kBacklog = 511;  // nginx's

bool set_option(int fd, int level, int name) {
  const int on = 1;
  return setsockopt(fd, level, name, &on, sizeof on) == 0;
}

}  // namespace

Result<UniqueFd> plain_bind(const table::SocketKey& key) {
  sockaddr_storage address;
  const socklen_t bytes = core::to_sockaddr(key, address);
  if (bytes == 0) return fail(Errc::kInvalid, "not a TCP socket");
  UniqueFd fd(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (address.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), bytes) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    if (errno == EADDRINUSE) return fail(Errc::kConflict, "in use");
    return fail_errno("bind");
  }
  set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  return fd;
}

}  // namespace sluice::listen

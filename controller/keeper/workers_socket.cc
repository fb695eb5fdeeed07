#include "controller/keeper/workers_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

namespace sluice::keeper {
namespace {

constexpr mode_t kSocketMode = 0660;

bool is_alive(const sockaddr_un& address, socklen_t bytes) {
  UniqueFd probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), bytes) == 0;
}

}  // namespace

Result<UniqueFd> open_workers_socket(const std::string& path, std::uint32_t gid) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(Errc::kInvalid,
                fmt::format("{}: longer than the {} characters a socket's path may have", path,
                            sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const socklen_t bytes = sizeof(address);
  if (is_alive(address, bytes)) {
    return fail(Errc::kConflict, path + ": another controller serves it");
  }
  ::unlink(path.c_str());
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Permissions are set before listen(): nobody can connect to a socket that does not listen.
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0 ||
      ::chmod(path.c_str(), kSocketMode) != 0 ||
      (gid != static_cast<std::uint32_t>(-1) &&
       ::chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0) ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return fail_errno(path);
  }
  return fd;
}

}  // namespace sluice::keeper

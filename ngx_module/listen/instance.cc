#include "ngx_module/listen/instance.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "ngx_module/listen/nginx.h"
#include "shared/base/hash.h"
#include "shared/base/unique_fd.h"

namespace sluice::listen {

namespace {

// Field 22 of /proc/PID/stat, in clock ticks after boot; 0 when it can't be read.
std::uint64_t start_time_of(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%ld/stat", static_cast<long>(pid));
  UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  char bytes[1024];
  const ssize_t got = fd ? ::read(fd.get(), bytes, sizeof bytes) : 0;
  if (got <= 0) return 0;
  std::string_view text(bytes, static_cast<std::size_t>(got));
  // The name, field 2, may hold anything: count from its closing parenthesis.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  text.remove_prefix(name_end + 1);
  for (int field = 2; field < 22; ++field) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return 0;
    text.remove_prefix(space + 1);
  }
  std::uint64_t ticks = 0;
  std::from_chars(text.data(), text.data() + text.size(), ticks);
  return ticks;
}

}  // namespace

std::uint64_t instance_of_master() {
  const pid_t master = ngx_process == NGX_PROCESS_SINGLE ? getpid() : getppid();
  const std::uint64_t identity[2] = {static_cast<std::uint64_t>(master), start_time_of(master)};
  return hash_bytes({reinterpret_cast<const char*>(identity), sizeof identity}, 0);
}

}  // namespace sluice::listen

#include "controller/kube/file_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "shared/base/unique_fd.h"

namespace sluice::kube {

FileVersion version_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino,
          std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec,
          found.st_size};
}

Result<std::string> read_text(const std::string& path, std::size_t max_bytes) {
  // Not to hang on a pipe that somebody put there.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const Errc code = errno == ENOENT ? Errc::kNotFound : Errc::kSystem;
    return fail(code, path + ": " + std::strerror(errno));
  }
  std::string text;
  std::array<char, 16384> bytes;
  while (true) {
    const ssize_t count = ::read(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(path);
    if (count == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(count));
    if (text.size() > max_bytes) {
      return fail(Errc::kInvalid, fmt::format("{}: more than {} bytes", path, max_bytes));
    }
  }
}

}  // namespace sluice::kube

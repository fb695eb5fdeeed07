#include "shared/base/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shared/base/unique_fd.h"

namespace sluice {

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
      return fail(Errc::kInvalid, path + ": more than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Result<void> replace_text(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(temporary);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(temporary);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(fd.get()) != 0) return fail_errno(temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno(path);
  return {};
}

}  // namespace sluice

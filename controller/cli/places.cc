#include "controller/cli/places.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <system_error>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_program(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> first_existing(std::string_view what,
                                   std::initializer_list<std::string> candidates) {
  std::string tried;
  for (const std::string& path : candidates) {
    std::error_code error;
    if (fs::exists(path, error)) return fs::path(path).lexically_normal().string();
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return fail(Errc::kNotFound, fmt::format("{} is in none of: {}", what, tried));
}

std::string find_in_path(const std::string& name) {
  const std::string path = environment("PATH");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (end > 0 && is_program(candidate)) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

}  // namespace

std::string program_directory() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return self.parent_path().string();
}

Result<std::string> find_controller() {
  return first_existing("sluice-controller", {program_directory() + "/sluice-controller"});
}

Result<std::string> find_nginx(const std::string& given) {
  if (!given.empty()) {
    std::string found = given.find('/') == std::string::npos ? find_in_path(given) : given;
    if (is_program(found)) return found;
    return fail(Errc::kNotFound, given + " is not a program");
  }
  if (std::string named = environment("SLUICE_NGINX"); !named.empty()) {
    if (is_program(named)) return named;
    return fail(Errc::kNotFound, "$SLUICE_NGINX names " + named + ", which is not a program");
  }
  if (std::string found = find_in_path("nginx"); !found.empty()) return found;
  if (is_program("/usr/sbin/nginx")) return std::string("/usr/sbin/nginx");
  return fail(Errc::kNotFound, "no nginx in $PATH or /usr/sbin: install it, or give --nginx PATH");
}

Result<std::string> find_module(const std::string& name) {
  return first_existing(
      name, {program_directory() + "/../modules/" + name, "/usr/lib/nginx/modules/" + name});
}

Result<std::string> find_template(const std::string& name) {
  return first_existing(name, {program_directory() + "/../config-templates/" + name,
                               "/usr/share/sluice/config-templates/" + name});
}

std::string runtime_directory() {
  const std::string xdg = environment("XDG_RUNTIME_DIR");
  if (!xdg.empty() && ::geteuid() != 0) return xdg + "/sluice";
  return fmt::format("/tmp/sluice-{}", ::geteuid());
}

std::string short_hash(const std::string& text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

Result<void> make_own_directory(const std::string& directory, unsigned mode) {
  std::error_code error;
  const fs::path parent = fs::path(directory).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) {
    return fail_errno("creating " + directory);
  }
  struct stat status{};
  if (::lstat(directory.c_str(), &status) != 0) return fail_errno(directory);
  if (S_ISLNK(status.st_mode)) {
    return fail(Errc::kConflict, directory + " is a symbolic link; it must be a directory");
  }
  if (!S_ISDIR(status.st_mode)) return fail(Errc::kConflict, directory + " is not a directory");
  if (status.st_uid != ::geteuid()) {
    return fail(Errc::kConflict, directory + " belongs to another user");
  }
  if ((status.st_mode & 0002U) != 0) ::chmod(directory.c_str(), mode);
  return {};
}

}  // namespace sluice::cli

#include "controller/source/files/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

#include "shared/base/unique_fd.h"

namespace sluice::source {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20;
constexpr std::string_view kData = "..data";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Signature signature_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

std::string join(const std::string& directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  std::string path = directory;
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

// A link that kubelet made: it points through ..data, which is walked itself.
bool leads_through_data(int directory, const char* name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(directory, name, target.data(), target.size());
  if (size < 0) return false;
  return std::string_view(target.data(), static_cast<std::size_t>(size)).starts_with("..data/");
}

Result<UniqueFd> open_for_reading(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd) return fd;
  return fail(errno == ENOENT ? Errc::kNotFound : Errc::kSystem, std::strerror(errno));
}

Result<std::string> read_all(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Errc::kSystem, std::strerror(errno));
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > kMaxFileBytes) return fail(Errc::kFull, "the file has more than 512 MiB");
  }
}

// A read lease is refused while a writer is there. It is given back at once, but a writer that
// comes meanwhile makes the kernel signal us: SIGURG is ignored, the default would end the process.
bool has_writer(int fd) {
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

}  // namespace

struct Tree::Visit {
  Walk walk;
  const std::function<void(const std::string&)>* on_directory = nullptr;
};

bool is_manifest_name(std::string_view name) {
  if (name.starts_with('.')) return false;
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

std::string Tree::absolute(std::string_view path) const {
  return path.empty() ? root_ : join(root_, path);
}

Walk Tree::walk(const std::string& directory,
                const std::function<void(const std::string&)>& on_directory) const {
  Visit state;
  state.on_directory = &on_directory;
  visit(state, absolute(directory), directory, 0);
  return std::move(state.walk);
}

void Tree::visit(Visit& visit, const std::string& absolute, const std::string& relative,
                 int depth) const {
  if (depth > kMaxDepth) {
    visit.walk.unreadable.push_back({relative, "directories are nested too deep"});
    return;
  }
  (*visit.on_directory)(absolute);
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(absolute.c_str()));
  if (directory == nullptr) {
    const bool vanished = (errno == ENOENT || errno == ENOTDIR) && !relative.empty();
    if (!vanished) visit.walk.unreadable.push_back({relative, std::strerror(errno)});
    return;
  }
  visit.walk.directories.push_back(absolute);
  while (const dirent* entry = ::readdir(directory.get())) {
    visit_entry(visit, ::dirfd(directory.get()), absolute, relative, entry->d_name, depth);
  }
}

void Tree::visit_entry(Visit& state, int fd, const std::string& absolute,
                       const std::string& relative, const std::string& name, int depth) const {
  struct stat status{};
  if (name == kData) {
    const bool is_directory =
        ::fstatat(fd, name.c_str(), &status, 0) == 0 && S_ISDIR(status.st_mode);
    if (is_directory) visit(state, join(absolute, name), relative, depth + 1);
    return;
  }
  if (name.starts_with('.')) return;
  if (::fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    return visit(state, join(absolute, name), join(relative, name), depth + 1);
  }
  if (!is_manifest_name(name)) return;
  const bool symlink = S_ISLNK(status.st_mode);
  if (symlink) {
    if (leads_through_data(fd, name.c_str())) return;
    if (::fstatat(fd, name.c_str(), &status, 0) != 0) return;
  }
  if (!S_ISREG(status.st_mode)) return;
  state.walk.files.insert_or_assign(join(relative, name),
                                    FoundFile{join(absolute, name), signature_of(status), symlink});
}

std::optional<FoundFile> Tree::find_file(const std::string& path) const {
  const std::string open_path = absolute(path);
  struct stat status{};
  if (::lstat(open_path.c_str(), &status) != 0) return {};
  const bool symlink = S_ISLNK(status.st_mode);
  if (symlink) {
    if (leads_through_data(AT_FDCWD, open_path.c_str())) return {};
    if (::stat(open_path.c_str(), &status) != 0) return {};
  }
  if (!S_ISREG(status.st_mode)) return {};
  return FoundFile{open_path, signature_of(status), symlink};
}

Result<std::string> read_file(const std::string& path) {
  const Result<UniqueFd> fd = open_for_reading(path);
  if (!fd) return tl::unexpected<Error>(fd.error());
  return read_all(fd->get());
}

Result<std::optional<std::string>> read_settled_file(const std::string& path) {
  const Result<UniqueFd> fd = open_for_reading(path);
  if (!fd) return tl::unexpected<Error>(fd.error());
  struct stat before{};
  struct stat after{};
  if (has_writer(fd->get()) || ::fstat(fd->get(), &before) != 0) return std::nullopt;
  Result<std::string> text = read_all(fd->get());
  if (!text) return tl::unexpected<Error>(text.error());
  // A writer that came in between has cut or changed what was read.
  if (has_writer(fd->get()) || ::fstat(fd->get(), &after) != 0) return std::nullopt;
  const Signature now = signature_of(after);
  const Signature then = signature_of(before);
  if (now.bytes != then.bytes || now.modified_ns != then.modified_ns) return std::nullopt;
  return std::optional<std::string>(std::move(*text));
}

}  // namespace sluice::source

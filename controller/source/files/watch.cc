#include "controller/source/files/watch.h"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice::source {
namespace {

constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE |
                                IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

// File systems where others write without this kernel seeing it.
constexpr std::array<std::uint32_t, 9> kUnseen = {
    NFS_SUPER_MAGIC,  FUSE_SUPER_MAGIC, V9FS_MAGIC,       SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
    SMB2_SUPER_MAGIC, AFS_SUPER_MAGIC,  CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC};

bool changes_are_seen(const std::string& directory) {
  struct statfs status{};
  if (::statfs(directory.c_str(), &status) != 0) return true;
  const auto type = static_cast<std::uint32_t>(status.f_type);
  return std::find(kUnseen.begin(), kUnseen.end(), type) == kUnseen.end();
}

bool is_at_or_below(const std::string& path, const std::string& directory) {
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || path[directory.size()] == '/';
}

}  // namespace

Result<Watch> Watch::open() {
  Watch watch;
  watch.fd_ = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch.fd_) return fail_errno("inotify");
  return watch;
}

bool Watch::add(const std::string& directory) {
  const int descriptor = ::inotify_add_watch(fd_.get(), directory.c_str(), kMask);
  if (descriptor < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
  const auto before = descriptors_.find(directory);
  if (before != descriptors_.end() && before->second != descriptor) {
    directories_[before->second].erase(directory);
  }
  descriptors_[directory] = descriptor;
  directories_[descriptor].insert(directory);
  return changes_are_seen(directory);
}

void Watch::remove_below(const std::string& directory) {
  for (auto at = descriptors_.begin(); at != descriptors_.end();) {
    const auto [path, descriptor] = *at;
    if (!is_at_or_below(path, directory)) {
      ++at;
      continue;
    }
    at = descriptors_.erase(at);
    auto& names = directories_[descriptor];
    names.erase(path);
    if (!names.empty()) continue;
    directories_.erase(descriptor);
    ::inotify_rm_watch(fd_.get(), descriptor);
  }
}

void Watch::forget(int descriptor) {
  const auto found = directories_.find(descriptor);
  if (found == directories_.end()) return;
  for (const std::string& directory : found->second) {
    const auto known = descriptors_.find(directory);
    if (known != descriptors_.end() && known->second == descriptor) descriptors_.erase(known);
  }
  directories_.erase(found);
}

void Watch::read_events(const char* at, const char* end, WatchNews& news) {
  while (end - at >= static_cast<std::ptrdiff_t>(sizeof(inotify_event))) {
    inotify_event event{};
    std::memcpy(&event, at, sizeof(event));
    const char* name = at + sizeof(event);
    at = name + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) news.overflow = true;
    if ((event.mask & IN_IGNORED) != 0) {
      forget(event.wd);
      continue;
    }
    const auto found = directories_.find(event.wd);
    if (found == directories_.end()) continue;
    const std::string text = event.len == 0 ? std::string() : std::string(name);
    for (const std::string& directory : found->second) {
      news.events.push_back({directory, text, event.mask, event.cookie});
    }
  }
}

WatchNews Watch::drain() {
  WatchNews news;
  alignas(inotify_event) std::array<char, 65536> buffer{};
  // Bounded: a writer that never pauses must not keep its first change from being served.
  for (int i = 0; i < 256; ++i) {
    const ssize_t size = ::read(fd_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    read_events(buffer.data(), buffer.data() + size, news);
  }
  return news;
}

}  // namespace sluice::source

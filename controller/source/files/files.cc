#include "controller/source/files/files.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "controller/source/files/accepted_log.h"
#include "controller/source/files/manifest.h"
#include "controller/source/files/objects.h"
#include "controller/source/files/tree.h"
#include "controller/source/files/watch.h"
#include "controller/telemetry/log.h"

namespace sluice::source {
namespace {

constexpr std::uint64_t kMissingMs = 100;
constexpr std::uint64_t kLookMs = 2000;
constexpr std::uint64_t kFirstRetryMs = 1;
constexpr std::uint64_t kLastRetryMs = 1000;
constexpr std::string_view kDataDirectory = "..data";
constexpr int kMaxLinks = 16;

// Whether a file that is missing is deleted now or when it is still missing a little later.
enum class Missing { kNow, kSoon };

// When a file that somebody is writing is looked at again, and how long that has been waited for.
struct Retry {
  std::uint64_t at_ms = 0;
  std::uint64_t wait_ms = 0;
};

class FilesSource : public Source {
 public:
  FilesSource(const FilesOptions& options, Watch watch, AcceptedLog log)
      : tree_(options.directory),
        watch_(std::move(watch)),
        objects_(std::move(log), options.controller_name) {}

  ~FilesSource() override { flush(); }

  int fd() const override { return watch_.fd(); }

  int timeout_ms() const override;
  Batch poll(std::uint64_t now_ms) override;
  Batch rescan() override;
  std::vector<model::Problem> problems() const override;
  std::vector<model::Problem> warnings() const override;
  std::vector<std::string> ignored() const override;

  std::string object_json(const model::ObjectKey& key) const override {
    return objects_.object_json(key);
  }

 private:
  using Files = std::map<std::string, Manifest>;

  void interpret(const WatchNews& news);
  void interpret_in_tree(const WatchEvent& event, const std::string& directory, bool moved_within);
  void interpret_manifest(const WatchEvent& event, const std::string& path, bool withdrawn);
  void interpret_link_target(const WatchEvent& event);
  void look_for_replaced_root();
  void look_at_directory(const std::string& directory, Missing missing);
  void look_at_file(const std::string& path);
  void take_unsettled(const std::string& path, const FoundFile& found);
  void read(const std::string& path, const FoundFile& found);
  void miss(const std::string& path, Missing missing);
  void wait_for_writer(const std::string& path);
  void expire_missing();
  void retry_written();
  void withdraw(const std::string& path);
  void follow_link(const std::string& path, std::string target);
  void watch_directory(const std::string& directory);
  void note(const std::string& path);
  bool work_on_news(Missing missing);
  Batch finish_batch();
  void flush();

  Tree tree_;
  Watch watch_;
  Objects objects_;
  Files files_;
  // Directory -> name -> files of ours that lead through that name.
  std::map<std::string, std::map<std::string, std::set<std::string>>> links_;

  std::set<std::string> changed_files_;
  std::map<std::string, Missing> changed_directories_;
  std::map<std::string, std::uint64_t> missing_;  // -> when it counts as deleted
  std::map<std::string, Retry> written_;        // files that had a writer when they were looked at
  std::set<std::string> noteworthy_;            // files with problems, warnings, ignored objects
  std::map<std::string, Signature> unsettled_;  // polled files that changed since the last look
  std::vector<Unreadable> unreadable_;
  std::vector<model::Problem> reported_;
  Signature root_;
  bool started_ = false;
  bool polled_ = false;   // some directory cannot be watched
  bool trusting_ = true;  // what lies there now counts as written: at the start, in rescan()
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_look_ms_ = 0;
  bool disk_failed_ = false;
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string child_of(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

bool is_below(const std::string& path, const std::string& directory) {
  return directory.empty() || (path.starts_with(directory) && path.size() > directory.size() &&
                               path[directory.size()] == '/');
}

// A created regular file is read when its writer closes it; a link has no writer.
bool is_complete_when_created(const std::string& absolute) {
  struct stat status{};
  if (::lstat(absolute.c_str(), &status) != 0) return false;
  return S_ISLNK(status.st_mode) || status.st_nlink > 1;
}

Signature identity_of(const std::string& directory) {
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, 0, 0, 0};
}

// ---- events ----

void FilesSource::interpret(const WatchNews& news) {
  if (news.overflow) changed_directories_[""] = Missing::kSoon;
  std::set<std::uint32_t> arrived;
  for (const WatchEvent& event : news.events) {
    if ((event.mask & IN_MOVED_TO) == 0) continue;
    const bool counts = (event.mask & IN_ISDIR) != 0 || is_manifest_name(event.name);
    if (counts && !event.name.starts_with('.')) arrived.insert(event.cookie);
  }
  for (const WatchEvent& event : news.events) {
    interpret_link_target(event);
    const std::string& root = tree_.root();
    if (event.directory == root) {
      interpret_in_tree(event, "", arrived.contains(event.cookie));
    } else if (is_below(event.directory, root)) {
      interpret_in_tree(event, event.directory.substr(root.size() + 1),
                        arrived.contains(event.cookie));
    }
  }
}

void FilesSource::interpret_in_tree(const WatchEvent& event, const std::string& directory,
                                    bool moved_within) {
  // Below ..data the directory that holds it is looked at as a whole.
  if (const std::size_t data = directory.find(kDataDirectory); data != std::string::npos) {
    if (!event.name.empty()) {
      changed_directories_[data == 0 ? "" : directory.substr(0, data - 1)] = Missing::kNow;
    }
    return;
  }
  const bool left = (event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0;
  const bool moved_out = (event.mask & IN_MOVED_FROM) != 0;
  const Missing missing = moved_out && moved_within ? Missing::kNow : Missing::kSoon;
  if (event.name == kDataDirectory) {
    changed_directories_[directory] = Missing::kNow;
  } else if (event.name.empty() || event.name.starts_with('.')) {
    return;
  } else if ((event.mask & IN_ISDIR) != 0) {
    const std::string path = child_of(directory, event.name);
    if (left) watch_.remove_below(tree_.absolute(path));
    if ((event.mask & IN_ATTRIB) != 0 && unreadable_.empty()) return;
    changed_directories_.try_emplace(path, missing);
  } else if (is_manifest_name(event.name)) {
    interpret_manifest(event, child_of(directory, event.name), left && missing == Missing::kNow);
  }
}

void FilesSource::interpret_manifest(const WatchEvent& event, const std::string& path,
                                     bool withdrawn) {
  if ((event.mask & IN_ATTRIB) != 0) {
    const auto found = files_.find(path);
    if (found == files_.end() || !found->second.is_frozen()) return;
  }
  const bool is_create = (event.mask & IN_CREATE) != 0;
  if (is_create && !is_complete_when_created(tree_.absolute(path))) return;
  if (withdrawn && !tree_.find_file(path)) return withdraw(path);
  changed_files_.insert(path);
}

void FilesSource::interpret_link_target(const WatchEvent& event) {
  const auto directory = links_.find(event.directory);
  if (directory == links_.end()) return;
  const bool is_create = (event.mask & IN_CREATE) != 0;
  if (is_create && !is_complete_when_created(event.directory + "/" + event.name)) return;
  for (const auto& [name, paths] : directory->second) {
    if (event.name != name && event.name != kDataDirectory) continue;
    changed_files_.insert(paths.begin(), paths.end());
  }
}

// ---- looking ----

void FilesSource::watch_directory(const std::string& directory) {
  if (watch_.add(directory) || polled_) return;
  polled_ = true;
  log::info("changes in this directory cannot be watched: looking every 2 s",
            {{"directory", directory}});
}

void FilesSource::look_for_replaced_root() {
  if (started_ && now_ms_ < next_look_ms_) return;
  next_look_ms_ = now_ms_ + kLookMs;
  const Signature root = identity_of(tree_.root());
  const bool replaced = !started_ || root != root_;
  root_ = root;
  started_ = true;
  if (replaced || polled_) changed_directories_[""] = replaced ? Missing::kNow : Missing::kSoon;
}

void FilesSource::look_at_directory(const std::string& directory, Missing missing) {
  const Walk walk =
      tree_.walk(directory, [this](const std::string& each) { watch_directory(each); });
  std::erase_if(unreadable_, [&](const Unreadable& each) {
    return each.path == directory || is_below(each.path, directory);
  });
  unreadable_.insert(unreadable_.end(), walk.unreadable.begin(), walk.unreadable.end());
  for (const auto& [path, found] : walk.files) {
    missing_.erase(path);
    const auto known = files_.find(path);
    const bool same = known != files_.end() && known->second.signature == found.signature &&
                      known->second.open_path == found.open_path;
    if (same) continue;
    polled_ && !trusting_ ? take_unsettled(path, found) : read(path, found);
  }
  std::vector<std::string> gone;
  for (auto at = files_.lower_bound(directory); at != files_.end(); ++at) {
    if (!at->first.starts_with(directory)) break;
    const bool kept =
        std::any_of(walk.unreadable.begin(), walk.unreadable.end(),
                    [&](const Unreadable& each) { return is_below(at->first, each.path); });
    if (is_below(at->first, directory) && !kept && !walk.files.contains(at->first)) {
      gone.push_back(at->first);
    }
  }
  for (const std::string& path : gone)
    miss(path, missing);
}

// Where writers cannot be seen either, a file counts as written when two looks find it the same.
void FilesSource::take_unsettled(const std::string& path, const FoundFile& found) {
  const auto before = unsettled_.find(path);
  const bool settled = before != unsettled_.end() && before->second == found.signature;
  if (settled) {
    unsettled_.erase(path);
    return read(path, found);
  }
  unsettled_[path] = found.signature;
}

void FilesSource::look_at_file(const std::string& path) {
  const auto found = tree_.find_file(path);
  if (found) {
    missing_.erase(path);
    return read(path, *found);
  }
  written_.erase(path);
  const auto known = files_.find(path);
  // What lies below ..data goes and comes with it.
  if (known != files_.end() && known->second.open_path == tree_.absolute(path)) {
    miss(path, Missing::kSoon);
  }
}

void FilesSource::read(const std::string& path, const FoundFile& found) {
  if (found.symlink) follow_link(path, found.open_path);
  const auto text = read_settled_file(found.open_path);
  if (text && !*text) return wait_for_writer(path);
  written_.erase(path);
  if (!text && text.error().code == Errc::kNotFound) return miss(path, Missing::kSoon);
  const auto at = files_.try_emplace(path, path).first;
  Manifest& manifest = at->second;
  manifest.signature = found.signature;
  manifest.open_path = found.open_path;
  if (text) {
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): one that is written to returned above
    manifest.replace(**text, objects_);
  } else {
    manifest.freeze(0, "cannot be read: " + text.error().message, objects_);
  }
  note(path);
}

void FilesSource::follow_link(const std::string& path, std::string target) {
  std::array<char, PATH_MAX> buffer{};
  for (int i = 0; i < kMaxLinks; ++i) {
    const ssize_t size = ::readlink(target.c_str(), buffer.data(), buffer.size());
    if (size < 0) return;
    const std::string next(buffer.data(), static_cast<std::size_t>(size));
    const std::filesystem::path absolute = std::filesystem::path(parent_of(target)) / next;
    target = absolute.lexically_normal().string();
    const std::string directory = parent_of(target);
    if (directory.empty()) return;
    links_[directory][target.substr(directory.size() + 1)].insert(path);
    watch_directory(directory);
  }
}

void FilesSource::miss(const std::string& path, Missing missing) {
  if (!files_.contains(path)) return;
  if (missing == Missing::kNow) return withdraw(path);
  missing_.try_emplace(path, now_ms_ + kMissingMs);
}

// CLOSE_WRITE alone would not do: the kernel tells it just before the file counts as closed, and
// not at all of a writer that came by a link in another directory.
void FilesSource::wait_for_writer(const std::string& path) {
  Retry& retry = written_[path];
  retry.wait_ms = std::clamp(retry.wait_ms * 2, kFirstRetryMs, kLastRetryMs);
  retry.at_ms = now_ms_ + retry.wait_ms;
}

void FilesSource::retry_written() {
  std::vector<std::string> due;
  for (const auto& [path, retry] : written_) {
    if (retry.at_ms <= now_ms_) due.push_back(path);
  }
  for (const std::string& path : due)
    look_at_file(path);
}

void FilesSource::expire_missing() {
  std::vector<std::string> due;
  for (const auto& [path, when] : missing_) {
    if (when <= now_ms_) due.push_back(path);
  }
  for (const std::string& path : due) {
    missing_.erase(path);
    const auto found = tree_.find_file(path);
    if (!found) {
      withdraw(path);
    } else if (!polled_) {  // else two looks must find it the same
      read(path, *found);
    }
  }
}

void FilesSource::withdraw(const std::string& path) {
  missing_.erase(path);
  unsettled_.erase(path);
  written_.erase(path);
  noteworthy_.erase(path);
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  found->second.withdraw(objects_);
  files_.erase(found);
}

void FilesSource::note(const std::string& path) {
  const Manifest& manifest = files_.at(path);
  const bool quiet =
      manifest.problems().empty() && manifest.warnings().empty() && manifest.ignored().empty();
  quiet ? static_cast<void>(noteworthy_.erase(path)) : static_cast<void>(noteworthy_.insert(path));
}

// ---- the interface ----

bool FilesSource::work_on_news(Missing missing) {
  const WatchNews news = watch_.drain();
  interpret(news);
  const auto directories = std::exchange(changed_directories_, {});
  const auto files = std::exchange(changed_files_, {});
  for (const auto& [directory, how] : directories) {
    look_at_directory(directory, missing == Missing::kNow ? missing : how);
  }
  for (const std::string& path : files)
    look_at_file(path);
  return !news.events.empty() || !directories.empty();
}

Batch FilesSource::poll(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  look_for_replaced_root();
  const bool worked = work_on_news(Missing::kSoon);
  trusting_ = false;
  retry_written();
  expire_missing();
  Batch batch = finish_batch();
  // The disk waits until nobody waits for the change.
  if (!worked && batch.changes.empty()) flush();
  return batch;
}

Batch FilesSource::rescan() {
  started_ = true;
  root_ = identity_of(tree_.root());
  changed_directories_[""] = Missing::kNow;
  trusting_ = true;
  work_on_news(Missing::kNow);
  trusting_ = false;
  return finish_batch();
}

Batch FilesSource::finish_batch() {
  Batch batch;
  batch.changes = objects_.decide();
  std::vector<model::Problem> now = problems();
  batch.problems_changed = now != reported_;
  reported_ = std::move(now);
  return batch;
}

int FilesSource::timeout_ms() const {
  if (!started_ || objects_.has_unwritten()) return 0;
  std::uint64_t next = next_look_ms_;
  for (const auto& [path, when] : missing_)
    next = std::min(next, when);
  for (const auto& [path, retry] : written_)
    next = std::min(next, retry.at_ms);
  return next <= now_ms_ ? 0 : static_cast<int>(next - now_ms_);
}

void FilesSource::flush() {
  if (!objects_.has_unwritten()) return;
  const Result<void> written = objects_.flush();
  if (!written && !disk_failed_) {
    log::error("the accepted objects cannot be kept: a restart would forget those of broken files",
               {{"error", written.error().message}});
  }
  if (written && disk_failed_) log::info("the accepted objects are kept again");
  disk_failed_ = !written;
}

std::vector<model::Problem> FilesSource::problems() const {
  std::vector<model::Problem> out = objects_.problems();
  for (const Unreadable& each : unreadable_) {
    out.push_back({{each.path.empty() ? "." : each.path, 0},
                   "",
                   "",
                   "the directory cannot be read: " + each.message + "; its objects stay"});
  }
  for (const std::string& path : noteworthy_) {
    const auto found = files_.at(path).problems();
    out.insert(out.end(), found.begin(), found.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<model::Problem> FilesSource::warnings() const {
  std::vector<model::Problem> out;
  for (const std::string& path : noteworthy_) {
    const auto found = files_.at(path).warnings();
    out.insert(out.end(), found.begin(), found.end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> FilesSource::ignored() const {
  std::set<std::string> out;
  for (const std::string& path : noteworthy_) {
    for (std::string& each : files_.at(path).ignored())
      out.insert(std::move(each));
  }
  return {out.begin(), out.end()};
}

}  // namespace

Result<std::unique_ptr<Source>> open_files(const FilesOptions& options) {
  FilesOptions resolved = options;
  std::error_code error;
  std::filesystem::path directory = std::filesystem::absolute(options.directory, error);
  if (error) return fail(Errc::kInvalid, options.directory + ": " + error.message());
  resolved.directory = directory.lexically_normal().string();
  while (resolved.directory.size() > 1 && resolved.directory.ends_with('/')) {
    resolved.directory.pop_back();
  }
  struct stat status{};
  if (::stat(resolved.directory.c_str(), &status) != 0) return fail_errno(options.directory);
  if (!S_ISDIR(status.st_mode)) {
    return fail(Errc::kInvalid, options.directory + " is not a directory");
  }
  Result<Watch> watch = Watch::open();
  if (!watch) return tl::unexpected<Error>(std::move(watch.error()));
  const std::string& state = options.state_directory;
  Result<AcceptedLog> log = AcceptedLog::open(state.empty() ? state : state + "/accepted");
  if (!log) return tl::unexpected<Error>(std::move(log.error()));
  return std::make_unique<FilesSource>(resolved, std::move(*watch), std::move(*log));
}

}  // namespace sluice::source

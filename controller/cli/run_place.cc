#include "controller/cli/run_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "controller/cli/places.h"
#include "controller/source/files/tree.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = "/run.lock";

std::string runs_directory() {
  return runtime_directory() + "/runs";
}

Result<std::string> resolved(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::canonical(directory, error);
  if (error) return fail(Errc::kNotFound, directory + ": " + error.message());
  if (!fs::is_directory(path, error)) return fail(Errc::kInvalid, directory + ": not a directory");
  return path.string();
}

// OFD locks: asking whether one is held takes none, so looking never makes a run fail.
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

Result<UniqueFd> lock(const std::string& state) {
  const std::string path = state + kLock;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(path);
  struct flock wanted = whole_file();
  if (::fcntl(fd.get(), F_OFD_SETLK, &wanted) == 0) return fd;
  if (errno != EAGAIN && errno != EACCES) return fail_errno(path);
  return fail(Errc::kConflict, "another `sluicectl run` has " + state);
}

bool is_locked(const std::string& state) {
  const UniqueFd fd(::open((state + kLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct flock asked = whole_file();
  return fd && ::fcntl(fd.get(), F_OFD_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
}

Result<void> write_registration(const std::string& path, const std::string& state) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(path);
  if (::write(fd.get(), state.data(), state.size()) != static_cast<ssize_t>(state.size())) {
    return fail_errno(path);
  }
  return {};
}

}  // namespace

Result<RunPlace> make_run_place(const std::string& directory, const std::string& state) {
  Result<std::string> manifests = resolved(directory);
  if (!manifests) return tl::unexpected<Error>(manifests.error());
  RunPlace place;
  place.directory = *manifests;
  // The files that outlive workers' root privileges lie below: others may enter, not look.
  for (const std::string& each : {runtime_directory(), runs_directory()}) {
    if (auto made = make_own_directory(each, 0711); !made) return propagate(std::move(made), "run");
  }
  place.state = state.empty() ? runtime_directory() + "/" + short_hash(place.directory) : state;
  if (auto made = make_own_directory(place.state, 0711); !made) {
    return propagate(std::move(made), "state directory");
  }
  const Result<std::string> real_state = resolved(place.state);
  if (!real_state) return tl::unexpected<Error>(real_state.error());
  place.state = *real_state;
  Result<UniqueFd> locked = lock(place.state);
  if (!locked) return tl::unexpected<Error>(locked.error());
  place.lock = std::move(*locked);

  const std::string hash = short_hash(place.directory + "\n" + place.state);
  place.table = fmt::format("/dev/shm/sluice-{}-{}", ::geteuid(), hash);
  if (auto made = make_own_directory(place.table, 0711); !made) {
    return propagate(std::move(made), "table directory");
  }
  place.registration = runs_directory() + "/" + hash;
  if (auto written = write_registration(place.registration, place.state); !written) {
    return propagate(std::move(written), "registering the run");
  }
  return place;
}

void clean_run_place(const RunPlace& place) {
  std::error_code error;
  fs::remove_all(place.table, error);
  for (const char* name : {"control.sock", "keeper.sock", "nginx.conf", "sluice-listeners.conf",
                           "sluice-streams.conf", "nginx.pid", "temp", "run.lock"}) {
    fs::remove_all(place.file(name), error);
  }
  fs::remove(place.registration, error);
}

std::vector<std::string> find_runs() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(runs_directory(), error)) {
    const Result<std::string> state = source::read_file(entry.path().string());
    if (!state) continue;
    if (is_locked(*state)) {
      found.push_back(*state);
    } else {
      fs::remove(entry.path(), error);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sluice::cli

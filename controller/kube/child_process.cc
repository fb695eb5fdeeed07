#include "controller/kube/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::kube {

namespace {

struct Pipe {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe");
  return pipe;
}

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> all;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string entry = *each;
    const std::string name = entry.substr(0, entry.find('='));
    bool replaced = false;
    for (const auto& [key, value] : more)
      replaced |= key == name;
    if (!replaced) all.push_back(entry);
  }
  for (const auto& [key, value] : more)
    all.push_back(fmt::format("{}={}", key, value));
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& each : texts)
    pointers.push_back(each.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Closes `fd` at its end. What goes beyond `max_bytes` is read and dropped; returns whether any
// did.
bool read_some(UniqueFd& fd, std::string& into, std::size_t max_bytes) {
  bool too_much = false;
  std::array<char, 16384> bytes;
  while (fd) {
    const ssize_t count = ::read(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) {
      fd.reset();
      break;
    }
    const std::size_t room = max_bytes - into.size();
    const std::size_t taken = std::min(room, static_cast<std::size_t>(count));
    into.append(bytes.data(), taken);
    if (taken == static_cast<std::size_t>(count)) continue;
    too_much = true;
    break;  // an endless writer must not hold the loop: what is left is read at the next poll
  }
  return too_much;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(
    const std::vector<std::string>& command,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  Result<Pipe> output = open_pipe();
  Result<Pipe> error = open_pipe();
  if (!output || !error) return fail_errno("pipe");
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables = environment_with(environment);

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output->theirs.get(), 1);
  ::posix_spawn_file_actions_adddup2(&files, error->theirs.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // The loop blocks the signals that it reads from a descriptor; a child is not to inherit that.
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int status = ::posix_spawnp(&pid, arguments.front().c_str(), &files, &attributes,
                                    pointers_to(arguments).data(), pointers_to(variables).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (status != 0) {
    return fail(status == ENOENT ? Errc::kNotFound : Errc::kSystem,
                fmt::format("{}: {}", arguments.front(), std::strerror(status)));
  }
  UniqueFd exit(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!exit) {
    const tl::unexpected<Error> failed = fail_errno("pidfd_open");
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failed;
  }
  return ChildProcess(std::move(exit), std::move(output->ours), std::move(error->ours), pid);
}

ChildProcess::~ChildProcess() {
  if (!exit_ || ended_) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool ChildProcess::poll() {
  if (ended_) return true;
  siginfo_t info{};
  const bool ended =
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0;
  // What it wrote before its end is in the pipes by now.
  too_much_ |= read_some(output_fd_, output_, kMaxOutputBytes);
  read_some(error_fd_, error_output_, kMaxErrorBytes);
  if (!ended && too_much_) ::kill(-pid_, SIGKILL);
  if (!ended) return false;
  ended_ = true;
  (info.si_code == CLD_EXITED ? code_ : signal_) = info.si_status;
  return true;
}

std::string ChildProcess::failure() const {
  if (too_much_) return fmt::format("printed more than {} bytes", kMaxOutputBytes);
  if (signal_ != 0) return fmt::format("was killed by signal {}", signal_);
  return code_ == 0 ? "" : fmt::format("exited with {}", code_);
}

}  // namespace sluice::kube

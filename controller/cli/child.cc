#include "controller/cli/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "shared/base/unique_fd.h"

namespace sluice::cli {
namespace {

std::vector<char*> argument_pointers(const std::vector<std::string>& arguments) {
  std::vector<char*> out;
  out.reserve(arguments.size() + 1);
  for (const std::string& each : arguments)
    out.push_back(const_cast<char*>(each.c_str()));
  out.push_back(nullptr);
  return out;
}

// After fork: only what is safe there. `output`: -1 keeps ours.
[[noreturn]] void become(char* const* arguments, pid_t parent, int output) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before prctl()
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

Result<pid_t> spawn(const std::vector<std::string>& arguments, int output) {
  const std::vector<char*> pointers = argument_pointers(arguments);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) become(pointers.data(), parent, output);
  return child;
}

}  // namespace

Result<pid_t> start_child(const std::vector<std::string>& arguments) {
  return spawn(arguments, -1);
}

Result<Captured> run_to_end(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const Result<pid_t> child = spawn(arguments, writing.get());
  if (!child) return tl::unexpected<Error>(child.error());
  writing.reset();
  Captured captured;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t size = ::read(reading.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    captured.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("waitpid");
  }
  captured.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return captured;
}

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("was killed by signal {}", WTERMSIG(wait_status));
  }
  return fmt::format("exited with {}", WEXITSTATUS(wait_status));
}

}  // namespace sluice::cli

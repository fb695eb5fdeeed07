// sluicectl run: a controller and an nginx on one directory, until Ctrl-C.
//
// A controller that dies is started again (nginx serves the last table meanwhile); nginx ending
// ends the run. Stopping: QUIT to nginx, TERM after 5 s or at the second Ctrl-C, then the
// controller.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "controller/cli/child.h"
#include "controller/cli/nginx.h"
#include "controller/cli/places.h"
#include "controller/cli/run_place.h"
#include "controller/cli/verbs.h"
#include "controller/telemetry/log.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kFirstBackOffMs = 100;
constexpr std::int64_t kLongestBackOffMs = 5000;
constexpr std::int64_t kSteadyMs = 10'000;  // a controller that ran so long starts anew at once
constexpr std::int64_t kQuitMs = 5000;
constexpr std::int64_t kTermMs = 3000;

std::int64_t now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

struct Workers {
  std::string user;
  std::string group;
  std::optional<gid_t> gid;  // only as root
};

Result<Workers> find_workers() {
  if (::geteuid() != 0) return Workers{};
  const passwd* nobody = ::getpwnam("nobody");
  if (nobody == nullptr) return fail(Errc::kNotFound, "there is no user nobody for the workers");
  const group* primary = ::getgrgid(nobody->pw_gid);
  if (primary == nullptr) return fail(Errc::kNotFound, "the user nobody has no group");
  return Workers{nobody->pw_name, primary->gr_name, nobody->pw_gid};
}

Result<void> write_file(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail_errno(path);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail_errno(path);
  }
  return {};
}

// What is started, as command lines.
struct Commands {
  std::vector<std::string> controller;
  std::vector<std::string> nginx;
};

std::vector<std::string> controller_command(const RunOptions& options, const RunPlace& place,
                                            const std::string& program, const Workers& workers) {
  std::vector<std::string> command = {
      program,     "--source",    "files",     "--dir",        place.directory,   "--state-dir",
      place.state, "--table-dir", place.table, "--log-format", options.log_format};
  for (const std::string& address : options.addresses) {
    command.insert(command.end(), {"--address", address});
  }
  if (!options.controller_name.empty()) {
    command.insert(command.end(), {"--controller-name", options.controller_name});
  }
  if (options.port_offset != 0) {
    command.insert(command.end(), {"--port-offset", std::to_string(options.port_offset)});
  }
  if (!options.dns_server.empty()) {
    command.insert(command.end(), {"--dns-server", options.dns_server});
  }
  if (workers.gid) command.insert(command.end(), {"--group", std::to_string(*workers.gid)});
  return command;
}

// What stream {} includes, where nginx can have one.
Result<void> write_streams(const RunPlace& place, NginxConf& conf) {
  if (conf.build.stream == StreamModule::kNone) return {};
  Result<std::string> module = find_module("ngx_stream_sluice_module.so");
  if (!module) return tl::unexpected<Error>(module.error());
  conf.relay_module_path = std::move(*module);
  conf.streams_conf = place.file("sluice-streams.conf");
  const Result<std::string> streams = render_streams_conf();
  if (!streams) return tl::unexpected<Error>(streams.error());
  return write_file(conf.streams_conf, *streams);
}

// Renders the configuration and lets nginx itself judge it: version, signature, every path.
Result<std::vector<std::string>> prepare_nginx(const RunOptions& options, const RunPlace& place,
                                               const Workers& workers) {
  const Result<std::string> nginx = find_nginx(options.nginx);
  if (!nginx) return tl::unexpected<Error>(nginx.error());
  const Result<std::string> module = find_module("ngx_http_sluice_module.so");
  if (!module) return tl::unexpected<Error>(module.error());
  const Result<NginxBuild> build = nginx_build(*nginx);
  if (!build) return tl::unexpected<Error>(build.error());
  for (const char* name : {"logs", "temp"}) {
    if (auto made = make_own_directory(place.file(name), 0755); !made) {
      return tl::unexpected<Error>(made.error());
    }
  }
  const std::string listeners_conf = place.file("sluice-listeners.conf");
  const Result<std::string> listeners =
      render_listeners_conf({place.table, place.file("keeper.sock"), build->version});
  if (!listeners) return tl::unexpected<Error>(listeners.error());
  NginxConf values{*module,     workers.user,   workers.group, options.workers,
                   place.state, listeners_conf, *build};
  if (auto written = write_streams(place, values); !written) {
    return tl::unexpected<Error>(written.error());
  }
  const Result<std::string> conf = render_nginx_conf(values);
  if (!conf) return tl::unexpected<Error>(conf.error());
  if (auto written = write_file(listeners_conf, *listeners); !written) {
    return tl::unexpected<Error>(written.error());
  }
  if (auto written = write_file(place.file("nginx.conf"), *conf); !written) {
    return tl::unexpected<Error>(written.error());
  }
  std::vector<std::string> command = {*nginx,
                                      "-p",
                                      place.state,
                                      "-c",
                                      place.file("nginx.conf"),
                                      "-e",
                                      place.file("logs/error.log")};
  std::vector<std::string> test = command;
  test.emplace_back("-t");
  const Result<Captured> tested = run_to_end(test);
  if (!tested) return tl::unexpected<Error>(tested.error());
  if (tested->exit_code != 0) {
    return fail(Errc::kInvalid, explain_failed_test(tested->output, *module));
  }
  log::info("nginx", {{"program", *nginx},
                      {"version", fmt::format("{}.{}.{}", build->version.major,
                                              build->version.minor, build->version.patch)},
                      {"module", *module},
                      {"stream", build->stream == StreamModule::kNone ? "no" : "yes"}});
  return command;
}

class Supervisor {
 public:
  Supervisor(Commands commands, UniqueFd signals)
      : commands_(std::move(commands)), signals_(std::move(signals)) {}

  // Until both children are gone. Returns the exit code.
  int supervise();

 private:
  enum class Phase { kServing, kQuitting, kTerminating, kStoppingController, kKilling };

  bool start(pid_t& pid, const std::vector<std::string>& command);
  void wait_for_signal();
  void on_signal(std::uint32_t number);
  void reap();
  void on_controller_exit(int status);
  void on_nginx_exit(int status);
  void stop(Phase phase);
  void on_deadline();

  Commands commands_;
  UniqueFd signals_;
  pid_t controller_ = 0;  // 0: does not run
  pid_t nginx_ = 0;
  Phase phase_ = Phase::kServing;
  std::int64_t controller_started_ms_ = 0;
  std::int64_t back_off_ms_ = kFirstBackOffMs;
  std::optional<std::int64_t> deadline_ms_;  // of a restart, or of the phase
  int exit_code_ = kFine;
};

bool Supervisor::start(pid_t& pid, const std::vector<std::string>& command) {
  const Result<pid_t> started = start_child(command);
  if (!started) {
    log::error("cannot start", {{"program", command[0]}, {"error", started.error().message}});
    return false;
  }
  pid = *started;
  if (&pid == &controller_) controller_started_ms_ = now_ms();
  return true;
}

int Supervisor::supervise() {
  if (!start(controller_, commands_.controller) || !start(nginx_, commands_.nginx)) {
    exit_code_ = kProblems;
    stop(Phase::kTerminating);
  }
  while (controller_ != 0 || nginx_ != 0 || phase_ == Phase::kServing) {
    wait_for_signal();
    reap();
    if (deadline_ms_ && now_ms() >= *deadline_ms_) on_deadline();
  }
  return exit_code_;
}

void Supervisor::wait_for_signal() {
  int timeout = -1;
  if (deadline_ms_) timeout = static_cast<int>(std::max<std::int64_t>(0, *deadline_ms_ - now_ms()));
  pollfd waiting{signals_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, timeout) <= 0) return;
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info))
    on_signal(info.ssi_signo);
}

void Supervisor::on_signal(std::uint32_t number) {
  if (number == SIGCHLD) return;  // reap() follows
  if (phase_ == Phase::kServing) {
    log::info("stopping: requests that run may end, at most 5 s");
    stop(Phase::kQuitting);
  } else if (phase_ == Phase::kQuitting) {
    stop(Phase::kTerminating);
  }
}

void Supervisor::reap() {
  int status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid == std::exchange(controller_, controller_ == pid ? 0 : controller_)) {
      on_controller_exit(status);
    } else if (pid == std::exchange(nginx_, nginx_ == pid ? 0 : nginx_)) {
      on_nginx_exit(status);
    }
  }
}

void Supervisor::on_controller_exit(int status) {
  if (phase_ != Phase::kServing) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kUsage) {
    log::error("the controller does not understand its options");
    exit_code_ = kProblems;
    return stop(Phase::kTerminating);
  }
  const std::int64_t ran_ms = now_ms() - controller_started_ms_;
  if (ran_ms >= kSteadyMs) back_off_ms_ = kFirstBackOffMs;
  log::warning(
      "the controller " + describe_exit(status) + ": nginx serves the last table until it is back",
      {{"restart_ms", std::to_string(back_off_ms_)}});
  deadline_ms_ = now_ms() + back_off_ms_;
  back_off_ms_ = std::min(2 * back_off_ms_, kLongestBackOffMs);
}

void Supervisor::on_nginx_exit(int status) {
  if (phase_ == Phase::kServing) {
    log::error("nginx " + describe_exit(status) + " on its own; see logs/error.log");
    exit_code_ = kProblems;
  }
  if (phase_ != Phase::kKilling) stop(Phase::kStoppingController);
}

// Enters a phase of stopping and gives its signal.
void Supervisor::stop(Phase phase) {
  phase_ = phase;
  const bool nginx_first = nginx_ != 0;
  switch (phase) {
    case Phase::kServing:
      return;
    case Phase::kQuitting:
      if (!nginx_first) return stop(Phase::kStoppingController);
      ::kill(nginx_, SIGQUIT);
      deadline_ms_ = now_ms() + kQuitMs;
      return;
    case Phase::kTerminating:
      if (!nginx_first) return stop(Phase::kStoppingController);
      ::kill(nginx_, SIGTERM);
      deadline_ms_ = now_ms() + kTermMs;
      return;
    case Phase::kStoppingController:
      if (controller_ != 0) ::kill(controller_, SIGTERM);
      deadline_ms_ = now_ms() + kTermMs;
      return;
    case Phase::kKilling:
      // A killed master would leave its workers: the group goes with it.
      if (nginx_ != 0) ::kill(-nginx_, SIGKILL);
      if (controller_ != 0) ::kill(controller_, SIGKILL);
      deadline_ms_.reset();
      return;
  }
}

void Supervisor::on_deadline() {
  deadline_ms_.reset();
  switch (phase_) {
    case Phase::kServing:
      if (!start(controller_, commands_.controller)) deadline_ms_ = now_ms() + kLongestBackOffMs;
      return;
    case Phase::kQuitting:
      return stop(Phase::kTerminating);
    case Phase::kTerminating:
    case Phase::kStoppingController:
    case Phase::kKilling:
      return stop(Phase::kKilling);
  }
}

Result<UniqueFd> take_signals() {
  sigset_t taken;
  ::sigemptyset(&taken);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
    ::sigaddset(&taken, each);
  ::sigprocmask(SIG_BLOCK, &taken, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

Result<Commands> prepare(const RunOptions& options, const RunPlace& place) {
  const Result<Workers> workers = find_workers();
  if (!workers) return tl::unexpected<Error>(workers.error());
  const Result<std::string> controller = find_controller();
  if (!controller) return tl::unexpected<Error>(controller.error());
  Result<std::vector<std::string>> nginx = prepare_nginx(options, place, *workers);
  if (!nginx) return tl::unexpected<Error>(nginx.error());
  return Commands{controller_command(options, place, *controller, *workers), std::move(*nginx)};
}

int fail_run(const Error& error) {
  log::error(error.message);
  return kProblems;
}

}  // namespace

int run(const RunOptions& options) {
  if (options.log_format == "json") log::set_format(log::Format::kJson);
  ::umask(0022);
  const Result<RunPlace> place = make_run_place(options.directory, options.state_directory);
  if (!place) return fail_run(place.error());
  Result<UniqueFd> signals = take_signals();
  if (!signals) return fail_run(signals.error());
  log::info("serving", {{"directory", place->directory}, {"state", place->state}});
  Result<Commands> commands = prepare(options, *place);
  if (!commands) {
    clean_run_place(*place);
    return fail_run(commands.error());
  }
  const int code = Supervisor(std::move(*commands), std::move(*signals)).supervise();
  clean_run_place(*place);
  log::info("stopped");
  return code;
}

}  // namespace sluice::cli

#include "controller/controller.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/dns/problems.h"
#include "controller/numbers.h"
#include "controller/publish/table_sockets.h"
#include "controller/resolve/gateway_addresses.h"
#include "controller/source/files/files.h"
#include "controller/source/kube/kube.h"
#include "controller/status/parse_status.h"
#include "shared/base/timeout.h"

namespace sluice {
namespace {

constexpr mode_t kStateMode = 0750;

std::uint64_t milliseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000000;
}

std::int64_t wall_clock_ms() {
  return static_cast<std::int64_t>(milliseconds(CLOCK_REALTIME));
}

Result<UniqueFd> signals_as_events() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("blocking signals");
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

Result<void> make_directory(const std::string& path, std::uint32_t gid) {
  if (::mkdir(path.c_str(), kStateMode) != 0) {
    if (errno == EEXIST) return {};
    return fail_errno(path);
  }
  if (gid != static_cast<std::uint32_t>(-1) &&
      ::chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0) {
    return fail_errno(path);
  }
  return {};
}

bool watch(int epoll, int fd, int operation, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

// `nothing_serves`: there is no table of an earlier process.
Result<std::unique_ptr<source::Source>> open_source(const ControllerOptions& options,
                                                    bool nothing_serves) {
  const std::string& name = options.resolve.controller_name;
  if (options.directory.empty()) {
    return source::open_kubernetes({options.cluster, name, options.state_directory, SLUICE_VERSION,
                                    options.resolve.port_offset, options.snapshot_secrets,
                                    nothing_serves});
  }
  return source::open_files({options.directory, options.state_directory, name});
}

Result<void> open_health(const ControllerOptions& options,
                         std::unique_ptr<control::Server>& server) {
  if (options.health_address.empty()) return {};
  const Result<SocketText> socket = parse_socket_text(options.health_address);
  if (!socket) return tl::unexpected<Error>(socket.error());
  auto opened = control::Server::open_port(*socket);
  if (!opened) return propagate(std::move(opened), "--health-address");
  server = std::move(*opened);
  return {};
}

control::Info info_of(const ControllerOptions& options) {
  return {options.directory, options.table_directory, SLUICE_VERSION,
          fmt::format("{}-{}", ::getpid(), milliseconds(CLOCK_REALTIME))};
}

}  // namespace

Result<std::unique_ptr<Controller>> Controller::open(const ControllerOptions& options) {
  Parts parts;
  Result<UniqueFd> signals = signals_as_events();
  if (!signals) return propagate(std::move(signals), "signals");
  parts.signals = std::move(*signals);
  if (Result<void> made = make_directory(options.state_directory, options.gid); !made) {
    return propagate(std::move(made), "state directory");
  }
  // The table comes first: its lock keeps a second controller away from all that follows.
  arena::ArenaOptions arena;
  arena.directory = options.table_directory;
  arena.gid = options.gid;
  auto table = publish::Publisher::open(arena);
  if (!table) return tl::unexpected<Error>(std::move(table.error()));
  parts.table = std::move(*table);
  auto source = open_source(options, parts.table->generation() == 0);
  if (!source) return tl::unexpected<Error>(std::move(source.error()));
  parts.source = std::move(*source);
  auto names = dns::Follower::open({options.dns_server, options.state_directory});
  if (!names) return tl::unexpected<Error>(std::move(names.error()));
  parts.names = std::move(*names);
  auto keeper =
      keeper::Keeper::open(options.state_directory + "/keeper.sock", options.gid,
                           // What the operator routes here need not be an address of an interface.
                           options.resolve.address_pool.empty() ? keeper::Binding::kOwnAddresses
                                                                : keeper::Binding::kAnyAddress);
  if (!keeper) return tl::unexpected<Error>(std::move(keeper.error()));
  parts.keeper = std::move(*keeper);
  // The table of a controller before serves until an API server has told its objects.
  if (options.directory.empty()) {
    parts.keeper->want(publish::sockets_of_table(options.table_directory),
                       milliseconds(CLOCK_MONOTONIC));
  }
  Result<UniqueFd> secrets = parts.table->open_secrets();
  if (!secrets) return propagate(std::move(secrets), "certificates");
  parts.keeper->hand_out_secrets(std::move(*secrets));
  auto server = control::Server::open(options.state_directory + "/control.sock", options.gid);
  if (!server) return tl::unexpected<Error>(std::move(server.error()));
  parts.server = std::move(*server);
  if (Result<void> opened = open_health(options, parts.health); !opened) {
    return tl::unexpected<Error>(std::move(opened.error()));
  }

  parts.epoll = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {parts.signals.get(), parts.source->fd(), parts.names->fd(),
                       parts.keeper->fd(), parts.server->fd()}) {
    if (!watch(parts.epoll.get(), fd, EPOLL_CTL_ADD, EPOLLIN)) return fail_errno("epoll");
  }
  if (parts.health != nullptr &&
      !watch(parts.epoll.get(), parts.health->fd(), EPOLL_CTL_ADD, EPOLLIN)) {
    return fail_errno("epoll");
  }
  return std::unique_ptr<Controller>(new Controller(options, std::move(parts)));
}

Controller::Controller(const ControllerOptions& options, Parts parts)
    : parts_(std::move(parts)),
      controller_name_(options.resolve.controller_name),
      resolver_(options.resolve),
      book_(options.resolve.controller_name),
      desk_({*parts_.source, store_, book_, parts_.names->book()}, info_of(options)) {}

Result<void> Controller::run() {
  while (true) {
    turn();
    std::array<epoll_event, 8> events;
    const int count = ::epoll_wait(parts_.epoll.get(), events.data(),
                                   static_cast<int>(events.size()), timeout_ms());
    if (count < 0 && errno != EINTR) return fail_errno("epoll_wait");
    signalfd_siginfo signal{};
    if (::read(parts_.signals.get(), &signal, sizeof(signal)) == sizeof(signal)) {
      parts_.source->close(milliseconds(CLOCK_MONOTONIC));
      return {};
    }
  }
}

// Every step is cheap when it has nothing to do.
void Controller::turn() {
  now_ms_ = milliseconds(CLOCK_MONOTONIC);
  look_at_source();
  look_up_names();
  resolve_changes();
  go_on_publishing();
  talk_to_workers();
  show_status();
  answer_requests();
  parts_.table->tidy(now_ms_);
  report_news();
}

// A change that waits for warm workers or first answers is finished first: at most a second each.
void Controller::look_at_source() {
  watch_source(!parts_.table->waits_for_workers() && unresolved_.empty());
  if (!source_watched_) return;
  if (desk_.wants_rescan()) {
    take(parts_.source->rescan());
    desk_.looked();
  } else {
    take(parts_.source->poll(now_ms_));
  }
}

void Controller::take(const source::Batch& batch) {
  problems_changed_ |= batch.problems_changed;
  for (const model::Change& change : batch.changes) {
    if (!store_.apply(change)) continue;
    unresolved_.push_back(change);
    if (change.key.kind != model::Kind::kBackend) continue;
    const auto* backend = store_.find<model::Backend>(model::Kind::kBackend, change.key.name);
    parts_.names->follow(change.key.name, backend, now_ms_);
  }
  if (batch.api) {
    store_.set_api(*batch.api);
    api_changed_ = true;
  }
  for (const model::ObjectKey& key : batch.records) {
    const auto* gateway = store_.find<model::Gateway>(key.kind, key.name);
    if (gateway == nullptr) continue;
    adopt_addresses(*gateway);
    adopted_ = true;
  }
  started_ |= !batch.waiting;
  outdated_ = batch.outdated;
}

void Controller::look_up_names() {
  parts_.names->poll(now_ms_);
  problems_changed_ |= parts_.names->take_troubles_changed();
  if (std::exchange(problems_changed_, false)) report_problems();
}

void Controller::report_problems() {
  std::vector<model::Problem> problems = parts_.source->problems();
  for (model::Problem& problem : dns::problems(parts_.names->book(), store_)) {
    problems.push_back(std::move(problem));
  }
  report_.problems(problems, now_ms_);
}

// Objects that name a host for the first time wait for its addresses: a route is not switched over
// to a backend that has none yet.
bool Controller::waits_for_names() const {
  return !unresolved_.empty() && parts_.names->waits_for_first_answers(now_ms_);
}

void Controller::resolve_changes() {
  if (!started_ || parts_.table->waits_for_workers() || waits_for_names()) return;
  const std::vector<model::Change> changes = std::exchange(unresolved_, {});
  const std::vector<model::HostAnswer> answers = parts_.names->take_changes();
  const bool adopted = std::exchange(adopted_, false);
  const bool api_changed = std::exchange(api_changed_, false);
  if (changes.empty() && answers.empty() && !adopted && !api_changed && resolved_) return;
  if (!std::exchange(resolved_, true)) {
    for (const auto& [name, gateway] : store_.all(model::Kind::kGateway))
      adopt_addresses(std::get<model::Gateway>(*gateway));
  }
  const resolve::Delta delta = resolver_.apply(store_, changes, answers);
  report_.listeners(delta);
  wanted_changed_ |= wanted_.apply(delta);
  for (const resolve::SharedFindings& found : delta.findings)
    findings_[found->object] = found;
  for (const model::ObjectKey& key : delta.findings_gone)
    findings_[key] = nullptr;
  after_publishing(parts_.table->publish(delta, now_ms_));
}

// What the Gateway has of the pool by its status and, of what that does not show, by its slices.
void Controller::adopt_addresses(const model::Gateway& gateway) {
  const model::ObjectName& name = gateway.meta.name;
  const std::string text = parts_.source->status_text({model::Kind::kGateway, name});
  const status::Shown shown = status::parse_status(
      model::Kind::kGateway, nlohmann::json::parse(text, nullptr, false), controller_name_);
  std::vector<std::string> addresses = resolve::addresses_of_slices(gateway, store_);
  for (const resolve::AddressFinding& address : shown.addresses)
    addresses.push_back(address.value);
  if (!addresses.empty()) resolver_.adopt_addresses(name, addresses);
}

void Controller::go_on_publishing() {
  if (parts_.table->idle()) return;
  const bool warm = parts_.keeper->all_warm(parts_.table->warming());
  after_publishing(parts_.table->resume(warm, now_ms_));
}

void Controller::after_publishing(Result<publish::Stage> stage) {
  if (stage && *stage == publish::Stage::kWarming) return;
  obstacle_ = stage ? "" : stage.error().message;
  report_.obstacle(obstacle_, now_ms_);
  if (!stage) {
    // Bad news needs no table. What waits to turn True waits for one that does not exist yet.
    hand_over_findings(parts_.table->generation() + 1);
    return;
  }
  hand_over_findings(parts_.table->generation());
  findings_.clear();
  if (!wanted_changed_) return;
  parts_.keeper->want(wanted_.all(), now_ms_);
  wanted_changed_ = false;
  status_is_stale_ = true;
}

void Controller::hand_over_findings(std::uint64_t generation) {
  const std::int64_t now_ms = wall_clock_ms();
  for (const auto& [key, found] : findings_) {
    if (found != nullptr) {
      book_.put(found, generation, now_ms, parts_.source->status_text(key));
      if (const auto* gateway = std::get_if<resolve::GatewayFindings>(&found->findings)) {
        parts_.source->show_addresses(key, gateway->listens_at);
      }
    } else {
      book_.remove(key);
      report_.status(key, book_.status_of(key), now_ms_);
    }
  }
  status_is_stale_ |= !findings_.empty();
}

void Controller::talk_to_workers() {
  const std::uint64_t generation = parts_.table->generation();
  if (generation != announced_) {
    parts_.keeper->announce(generation, now_ms_);
    announced_ = generation;
  }
  status_is_stale_ |= parts_.keeper->poll(now_ms_);
}

void Controller::show_status() {
  const std::int64_t now_ms = wall_clock_ms();
  if (!status_is_stale_ && book_.timeout_ms(now_ms) != 0) return;
  status_is_stale_ = false;
  for (const model::ObjectKey& key : book_.refresh(parts_.keeper->data_plane(), now_ms)) {
    const nlohmann::json status = book_.status_of(key);
    report_.status(key, status, now_ms_);
    parts_.source->show_status(key, status);
  }
}

void Controller::answer_requests() {
  const control::Progress now = progress();
  // Ready once, it stays so: an API server or workers that go away take nothing back.
  ready_ = ready_ || why_not_ready().empty();
  for (control::Call& call : parts_.server->take()) {
    if (auto answer = control::health_answer(call.request(), health())) {
      call.answer(std::move(*answer));
    } else {
      desk_.take(std::move(call), *parts_.keeper, now, now_ms_);
    }
  }
  desk_.settle(*parts_.keeper, now, now_ms_);
  if (parts_.health == nullptr) return;
  for (control::Call& call : parts_.health->take()) {
    const control::Response nothing{404, "only /healthz, /readyz and /metrics\n", "text/plain"};
    call.answer(control::health_answer(call.request(), health()).value_or(nothing));
  }
}

std::string Controller::why_not_ready() const {
  if (!started_) return "the objects are not known yet";
  if (outdated_) return "the API server has not told its objects yet: the snapshot serves";
  if (parts_.table->generation() == 0 || !resolved_) {
    return obstacle_.empty() ? "no table is published yet" : obstacle_;
  }
  const status::DataPlane data_plane = parts_.keeper->data_plane();
  if (!data_plane.any_worker) return "no worker of nginx is here yet";
  return data_plane.acknowledged == 0 ? "the workers do not answer by the table yet" : "";
}

control::Health Controller::health() const {
  control::Health health;
  if (!ready_) health.not_ready = why_not_ready();
  health.metrics = [this] {
    const control::Progress now = progress();
    std::vector<metrics::Metric> all = metrics_of(
        {store_, *parts_.keeper, *parts_.table, parts_.source->problems().size(), now.published});
    for (metrics::Metric& metric : parts_.source->metrics())
      all.push_back(std::move(metric));
    return all;
  };
  return health;
}

control::Progress Controller::progress() const {
  control::Progress progress;
  progress.published = resolved_ && parts_.table->idle() && unresolved_.empty();
  progress.generation = parts_.table->generation();
  progress.obstacle = obstacle_;
  const status::DataPlane data_plane = parts_.keeper->data_plane();
  progress.sockets_settled =
      parts_.keeper->shares_settled() &&
      std::all_of(wanted_.all().begin(), wanted_.all().end(), [&](const resolve::Socket& socket) {
        const std::string text = socket.text();
        return data_plane.open_sockets.contains(text) || data_plane.failed_sockets.contains(text);
      });
  return progress;
}

void Controller::report_news() {
  report_.news(parts_.names->take_news(), now_ms_);
  report_.news(parts_.keeper->take_news(), now_ms_);
  report_.news(parts_.table->take_news(), now_ms_);
}

// Its descriptor stays readable while changes wait: not watching it then keeps the loop asleep.
void Controller::watch_source(bool on) {
  if (on == source_watched_) return;
  source_watched_ = on;
  watch(parts_.epoll.get(), parts_.source->fd(), EPOLL_CTL_MOD,
        on ? static_cast<std::uint32_t>(EPOLLIN) : 0);
}

int Controller::timeout_ms() const {
  if (desk_.wants_rescan() && !parts_.table->waits_for_workers() && unresolved_.empty()) return 0;
  int timeout = sooner(parts_.keeper->timeout_ms(now_ms_), parts_.table->timeout_ms(now_ms_));
  timeout = sooner(timeout, parts_.names->timeout_ms(now_ms_));
  timeout = sooner(timeout, desk_.timeout_ms(now_ms_));
  timeout = sooner(timeout, book_.timeout_ms(wall_clock_ms()));
  if (source_watched_) timeout = sooner(timeout, parts_.source->timeout_ms());
  return timeout;
}

}  // namespace sluice

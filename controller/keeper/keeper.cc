#include "controller/keeper/keeper.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "controller/keeper/listen.h"
#include "controller/keeper/ports.h"
#include "controller/keeper/shares.h"
#include "controller/keeper/worker.h"
#include "controller/keeper/workers_socket.h"
#include "shared/base/timeout.h"
#include "shared/base/unique_fd.h"
#include "shared/keeper/message.h"

namespace sluice::keeper {
namespace {

constexpr std::uint64_t kSilentMs = 5000;       // then a worker is left out
constexpr std::uint64_t kNobodyMs = 10000;      // then the ports are closed
constexpr std::uint64_t kStartMs = 2000;        // then UDP does without workers that are missing
constexpr std::uint64_t kFailedRetryMs = 1000;  // until a worker is asked again
constexpr std::uint64_t kAcceptAgainMs = 1000;  // after running out of descriptors
constexpr std::size_t kMaxConnections = 4096;
constexpr int kMessagesPerTurn = 256;  // of one worker, so that none starves the others

template <class Number>
Number parse_number(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Message message_of(std::string_view verb, std::string_view key, std::string value) {
  Message message;
  message.verb = verb;
  message.values.emplace_back(key, std::move(value));
  return message;
}

}  // namespace

struct Keeper::State {
  explicit State(Binding binding) : ports(binding) {}

  std::string path;
  UniqueFd listener;
  UniqueFd epoll;
  UniqueFd secrets;  // can only read
  Connections connections;
  Ports ports;
  std::uint64_t generation = 0;  // announced
  std::uint64_t greetings = 0;
  std::uint64_t gifts = 0;
  Starting starting;
  std::optional<std::uint64_t> nobody_since_ms;
  std::optional<std::uint64_t> accept_again_ms;
  std::set<resolve::Socket> open;  // in every worker, or a listen of nginx.conf
  bool changed = false;
  std::vector<std::string> news;

  ~State() {
    if (listener) ::unlink(path.c_str());
  }

  bool watch(int fd, std::uint32_t events, int operation);
  void accept_workers(std::uint64_t now_ms);
  void pause_accepting(std::optional<std::uint64_t> until_ms);
  void hear(int fd, std::uint64_t now_ms);
  void part_from(int fd);
  void handle(Worker& worker, Message& message, std::uint64_t now_ms);
  void handle_port(Worker& worker, Message& message, const Port& port, std::uint64_t now_ms);
  void greet(Worker& worker, std::uint64_t now_ms);
  void acknowledge(Worker& worker, std::uint64_t acknowledged, std::uint64_t now_ms);

  void tick(std::uint64_t now_ms);
  void collect_statics();
  void leave_out_silent_workers(std::uint64_t now_ms);
  void close_when_nobody_is_there(std::uint64_t now_ms);
  void drop_unwanted(Worker& worker, std::uint64_t now_ms);
  void give_missing(Worker& worker, std::uint64_t now_ms);
  bool give(Worker& worker, const Port& port);
  void give_shares();
  bool tell(Worker& worker, const Message& message, int fd = -1);

  bool anybody_takes_listeners() const;
  void note_what_is_open();
  bool is_open(const Port& port) const;
  bool has_settled(const Worker& worker) const;
};

// -- connections --

bool Keeper::State::watch(int fd, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll.get(), operation, fd, &event) == 0;
}

void Keeper::State::accept_workers(std::uint64_t now_ms) {
  while (true) {
    UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Without a pause the connection that waits would wake the loop up again at once.
      if (errno != EAGAIN) pause_accepting(now_ms + kAcceptAgainMs);
      return;
    }
    if (connections.size() >= kMaxConnections) continue;
    const int fd = connection.get();
    if (!watch(fd, EPOLLIN, EPOLL_CTL_ADD)) continue;
    Worker& worker = connections[fd];
    worker.connection = std::move(connection);
  }
}

void Keeper::State::pause_accepting(std::optional<std::uint64_t> until_ms) {
  accept_again_ms = until_ms;
  watch(listener.get(), until_ms ? 0 : static_cast<std::uint32_t>(EPOLLIN), EPOLL_CTL_MOD);
}

void Keeper::State::hear(int fd, std::uint64_t now_ms) {
  const auto found = connections.find(fd);
  if (found == connections.end()) return;
  Worker& worker = found->second;
  if (worker.blocked) {
    worker.blocked = false;
    watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  }
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    Message message;
    switch (receive(fd, message)) {
      case Received::kMessage:
        handle(worker, message, now_ms);
        break;
      case Received::kNothing:
        return;
      case Received::kClosed:
        part_from(fd);
        return;
    }
  }
}

void Keeper::State::part_from(int fd) {
  changed |= connections.at(fd).greeted;
  connections.erase(fd);
}

bool Keeper::State::tell(Worker& worker, const Message& message, int fd) {
  if (worker.blocked) return false;
  if (send(worker.connection.get(), message, fd)) return true;
  // A full queue empties, a dead worker hangs up: both wake us.
  worker.blocked = true;
  watch(worker.connection.get(), EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  return false;
}

// -- what workers say --

void Keeper::State::handle(Worker& worker, Message& message, std::uint64_t now_ms) {
  if (message.verb == "hello") {
    worker.info.pid = parse_number<std::uint32_t>(message.value("pid"));
    worker.info.slot = parse_number<std::uint32_t>(message.value("slot"));
    worker.info.instance = message.value("instance");
    worker.info.module_version = message.value("version");
    worker.info.listeners_on = message.value("listeners") == "on";
    worker.info.workers = std::max(1U, parse_number<std::uint32_t>(message.value("workers")));
  } else if (message.verb == "ready") {
    greet(worker, now_ms);
  } else if (message.verb == "ack") {
    acknowledge(worker, parse_number<std::uint64_t>(message.value("generation")), now_ms);
  } else if (message.verb == "warm") {
    worker.info.warm_patterns = parse_number<std::uint64_t>(message.value("patterns"));
    changed = true;
  } else if (auto port = parse_wire_name(message.value("socket"))) {
    handle_port(worker, message, *port, now_ms);
  }
}

void Keeper::State::handle_port(Worker& worker, Message& message, const Port& port,
                                std::uint64_t now_ms) {
  if (message.verb == "static") {
    worker.statics.insert(port.socket);
  } else if (message.verb == "have") {
    switch (ports.adopt(port, std::move(message.fd))) {
      case Ports::Adoption::kTaken:
      case Ports::Adoption::kSame:
        if (is_shared(port) && has_reader(connections, port)) {
          worker.dropping.insert(port);  // two would tear its sessions apart
          break;
        }
        worker.given[port] = ++gifts;
        worker.opened.insert(port);
        break;
      case Ports::Adoption::kOther:
        worker.dropping.insert(port);
        break;
      case Ports::Adoption::kUseless:
        return;
    }
  } else if (message.verb == "opened" && worker.given.contains(port)) {
    worker.failed.erase(port);
    worker.opened.insert(port);
  } else if (message.verb == "failed" && worker.given.contains(port)) {
    worker.opened.erase(port);
    worker.failed[port] = message.value("error");
    worker.failed_retry_ms = now_ms + kFailedRetryMs;
  } else if (message.verb == "dropped") {
    worker.leaving_until_ms.erase(port);
  } else {
    return;
  }
  changed = true;
}

void Keeper::State::greet(Worker& worker, std::uint64_t now_ms) {
  const bool starts = std::ranges::none_of(connections, [&](const auto& entry) {
    return entry.second.greeted && entry.second.info.instance == worker.info.instance;
  });
  if (starts) starting[worker.info.instance] = now_ms + kStartMs;
  worker.greeted = true;
  worker.greeted_as = ++greetings;
  if (generation > worker.info.acknowledged) worker.owes_since_ms = now_ms;
  changed = true;
}

void Keeper::State::acknowledge(Worker& worker, std::uint64_t acknowledged, std::uint64_t now_ms) {
  worker.info.acknowledged = acknowledged;
  worker.owes_since_ms.reset();
  if (acknowledged < generation) worker.owes_since_ms = now_ms;
  if (worker.info.left_out && acknowledged >= generation) {
    worker.info.left_out = false;
    news.push_back(fmt::format("nginx worker {} answers again", worker.info.pid));
  }
  changed = true;
}

// -- what follows from it --

void Keeper::State::tick(std::uint64_t now_ms) {
  if (accept_again_ms && now_ms >= *accept_again_ms) pause_accepting(std::nullopt);
  collect_statics();
  ports.share_among(expected_workers(connections));
  end_starts(starting, connections, now_ms);
  leave_out_silent_workers(now_ms);
  for (const Port& port : ports.wanted()) {
    if (is_shared(port) && port.share == 0) level_shares(connections, port.socket);
  }
  // Workers are told first: once the keeper's copy is closed, a worker that still holds the socket
  // is the only one who can answer what its queue holds.
  for (auto& [fd, worker] : connections)
    drop_unwanted(worker, now_ms);
  changed |= ports.close_unwanted();
  close_when_nobody_is_there(now_ms);
  if (anybody_takes_listeners()) changed |= ports.open_due(now_ms);
  for (auto& [fd, worker] : connections) {
    give_missing(worker, now_ms);
    if (worker.fresh && has_settled(worker)) worker.fresh = false;
  }
  give_shares();
  note_what_is_open();
  for (std::string& line : ports.take_news())
    news.push_back(std::move(line));
}

void Keeper::State::collect_statics() {
  std::set<resolve::Socket> statics;
  for (const auto& [fd, worker] : connections) {
    if (worker.greeted) statics.insert(worker.statics.begin(), worker.statics.end());
  }
  ports.leave_to_nginx(std::move(statics));
}

void Keeper::State::leave_out_silent_workers(std::uint64_t now_ms) {
  for (auto& [fd, worker] : connections) {
    if (!worker.counts() || !worker.owes_since_ms) continue;
    if (now_ms - *worker.owes_since_ms < kSilentMs) continue;
    worker.info.left_out = true;
    changed = true;
    news.push_back(
        fmt::format("nginx worker {} has not acknowledged generation {} for {} s: it is left out",
                    worker.info.pid, generation, kSilentMs / 1000));
  }
}

void Keeper::State::close_when_nobody_is_there(std::uint64_t now_ms) {
  if (anybody_takes_listeners()) {
    nobody_since_ms.reset();
    return;
  }
  if (!nobody_since_ms) nobody_since_ms = now_ms;
  if (now_ms - *nobody_since_ms < kNobodyMs || !ports.close_all()) return;
  changed = true;
  news.push_back(
      fmt::format("no nginx worker for {} s: the listening ports are closed until one comes back",
                  kNobodyMs / 1000));
}

void Keeper::State::drop_unwanted(Worker& worker, std::uint64_t now_ms) {
  // A worker that hangs reads nothing, and keeps nobody's clients waiting.
  std::erase_if(worker.leaving_until_ms, [&](const auto& entry) { return entry.second <= now_ms; });
  if (ports.wanted_known()) {
    for (const auto& [port, gift] : worker.given) {
      if (!ports.ours(port)) worker.dropping.insert(port);
    }
  }
  for (const Port& port : worker.dropping) {
    worker.given.erase(port);
    worker.opened.erase(port);
    worker.failed.erase(port);
  }
  std::erase_if(worker.failed, [this](const auto& entry) { return !ports.ours(entry.first); });
  while (!worker.dropping.empty() &&
         tell(worker, message_of("drop", "socket", wire_name(*worker.dropping.begin())))) {
    const Port port = *worker.dropping.begin();
    if (is_shared(port)) worker.leaving_until_ms[port] = now_ms + kSilentMs;
    worker.dropping.erase(port);
  }
}

void Keeper::State::give_missing(Worker& worker, std::uint64_t now_ms) {
  if (!worker.greeted) return;
  if (!worker.failed.empty() && now_ms >= worker.failed_retry_ms) {
    for (const auto& [port, error] : worker.failed)
      worker.given.erase(port);
    worker.failed_retry_ms = now_ms + kFailedRetryMs;
  }
  if (secrets && !worker.told_secrets) {
    Message message;
    message.verb = "secrets";
    if (!tell(worker, message, secrets.get())) return;
    worker.told_secrets = true;
  }
  if (worker.info.listeners_on) {
    for (const Port& port : ports.wanted()) {
      if (is_shared(port) || worker.given.contains(port)) continue;
      if (!give(worker, port)) return;
    }
  }
  if (worker.told_generation < generation &&
      tell(worker, message_of("generation", "generation", std::to_string(generation)))) {
    worker.told_generation = generation;
  }
}

// False: its queue is full.
bool Keeper::State::give(Worker& worker, const Port& port) {
  const int fd = ports.fd_of(port);
  if (fd < 0 || !ports.ours(port)) return true;
  if (!tell(worker, message_of("give", "socket", wire_name(port)), fd)) return false;
  worker.given[port] = ++gifts;
  return true;
}

void Keeper::State::give_shares() {
  for (const Port& port : ports.wanted()) {
    if (!is_shared(port)) continue;
    Worker* const reader = next_reader(connections, port, !starting.empty());
    if (reader != nullptr) give(*reader, port);
  }
}

bool Keeper::State::anybody_takes_listeners() const {
  return std::any_of(connections.begin(), connections.end(),
                     [](const auto& entry) { return entry.second.takes_listeners(); });
}

void Keeper::State::note_what_is_open() {
  std::set<resolve::Socket> now_open;
  std::set<resolve::Socket> closed;
  for (const Port& port : ports.wanted()) {
    const bool serves = ports.left_to_nginx(port.socket) || is_open(port);
    (serves ? now_open : closed).insert(port.socket);
  }
  for (const resolve::Socket& socket : closed)
    now_open.erase(socket);
  changed |= now_open != open;
  open = std::move(now_open);
}

bool Keeper::State::is_open(const Port& port) const {
  const bool was_open = open.contains(port.socket);
  bool anywhere = false;
  for (const auto& [fd, worker] : connections) {
    if (!worker.counts() || !worker.info.listeners_on) continue;
    if (worker.opened.contains(port)) {
      anywhere = true;
    } else if (is_shared(port)) {
      // One that changes hands takes nothing back.
      anywhere |=
          was_open && (worker.dropping.contains(port) || worker.leaving_until_ms.contains(port) ||
                       (worker.given.contains(port) && !worker.failed.contains(port)));
    } else if (!worker.fresh || !was_open) {
      return false;  // but a respawned worker takes nothing back: its siblings answer meanwhile
    }
  }
  return anywhere;
}

bool Keeper::State::has_settled(const Worker& worker) const {
  if (!worker.greeted || !ports.wanted_known()) return false;
  return std::ranges::all_of(ports.wanted(), [&](const Port& port) {
    return is_shared(port) || !ports.ours(port) || worker.opened.contains(port) ||
           worker.failed.contains(port);
  });
}

// -- the door --

Keeper::Keeper(std::unique_ptr<State> state) : state_(std::move(state)) {}

Keeper::~Keeper() = default;

Result<std::unique_ptr<Keeper>> Keeper::open(const std::string& socket_path, std::uint32_t gid,
                                             Binding binding) {
  Result<UniqueFd> listener = open_workers_socket(socket_path, gid);
  if (!listener) return propagate(std::move(listener), "keeper socket");
  auto state = std::make_unique<State>(binding);
  state->path = socket_path;
  state->listener = std::move(*listener);
  state->epoll = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll || !state->watch(state->listener.get(), EPOLLIN, EPOLL_CTL_ADD)) {
    return fail_errno("watching the keeper socket");
  }
  return std::unique_ptr<Keeper>(new Keeper(std::move(state)));
}

int Keeper::fd() const {
  return state_->epoll.get();
}

int Keeper::timeout_ms(std::uint64_t now_ms) const {
  int timeout = kForEver;
  const auto consider = [&](std::uint64_t at_ms) {
    timeout = sooner(timeout, timeout_until(at_ms, now_ms));
  };
  if (const auto again = state_->accept_again_ms) consider(*again);
  for (const auto& [instance, until_ms] : state_->starting)
    consider(until_ms);
  for (const auto& [fd, worker] : state_->connections) {
    if (worker.counts() && worker.owes_since_ms) consider(*worker.owes_since_ms + kSilentMs);
    if (worker.greeted && !worker.failed.empty()) consider(worker.failed_retry_ms);
    for (const auto& [port, until_ms] : worker.leaving_until_ms)
      consider(until_ms);
  }
  if (state_->anybody_takes_listeners()) {
    if (const auto attempt = state_->ports.next_attempt_ms()) consider(*attempt);
  } else if (const auto since = state_->nobody_since_ms; since && state_->ports.holds_any()) {
    consider(*since + kNobodyMs);
  }
  return timeout;
}

bool Keeper::poll(std::uint64_t now_ms) {
  std::array<epoll_event, 64> events;
  const int count =
      ::epoll_wait(state_->epoll.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
    if (fd == state_->listener.get()) {
      state_->accept_workers(now_ms);
    } else {
      state_->hear(fd, now_ms);
    }
  }
  state_->tick(now_ms);
  return std::exchange(state_->changed, false);
}

void Keeper::want(const std::set<resolve::Socket>& sockets, std::uint64_t now_ms) {
  state_->ports.want(sockets);
  state_->tick(now_ms);
}

void Keeper::hand_out_secrets(UniqueFd file) {
  state_->secrets = std::move(file);
  for (auto& [fd, worker] : state_->connections)
    worker.told_secrets = false;
}

void Keeper::announce(std::uint64_t generation, std::uint64_t now_ms) {
  state_->generation = std::max(state_->generation, generation);
  for (auto& [fd, worker] : state_->connections) {
    const bool behind = worker.greeted && worker.info.acknowledged < state_->generation;
    if (behind && !worker.owes_since_ms) worker.owes_since_ms = now_ms;
  }
  state_->tick(now_ms);
}

bool Keeper::shares_settled() const {
  std::map<resolve::Socket, std::size_t> shares;
  for (const Port& port : state_->ports.wanted()) {
    if (is_shared(port) && state_->ports.fd_of(port) >= 0) ++shares[port.socket];
  }
  return std::ranges::all_of(shares, [&](const auto& socket) {
    return state_->starting.empty() &&
           shares_are_level(state_->connections, socket.first, socket.second);
  });
}

status::DataPlane Keeper::data_plane() const {
  status::DataPlane data;
  std::uint64_t oldest = 0;
  bool listeners_on = false;
  for (const auto& [fd, worker] : state_->connections) {
    if (!worker.greeted) continue;
    data.any_worker = true;
    listeners_on |= worker.info.listeners_on;
    // One that greeted just now reads the newest table before its first answer: it counts from its
    // first acknowledgement on, so that a respawned worker takes nothing back.
    if (!worker.counts() || worker.info.acknowledged == 0) continue;
    oldest = oldest == 0 ? worker.info.acknowledged : std::min(oldest, worker.info.acknowledged);
    for (const auto& [port, error] : worker.failed) {
      data.failed_sockets[port.socket.text()] =
          fmt::format("nginx worker {}: {}", worker.info.pid, error);
    }
  }
  data.acknowledged = oldest;
  data.listeners_on = listeners_on || !data.any_worker;
  for (const auto& [port, error] : state_->ports.failures()) {
    data.failed_sockets[port.socket.text()] = error;
  }
  for (const resolve::Socket& socket : state_->open)
    data.open_sockets.insert(socket.text());
  return data;
}

std::vector<WorkerInfo> Keeper::workers() const {
  std::vector<WorkerInfo> workers;
  for (const auto& [fd, worker] : state_->connections) {
    if (worker.greeted) workers.push_back(worker.info);
  }
  std::sort(workers.begin(), workers.end(), [](const WorkerInfo& left, const WorkerInfo& right) {
    return std::tie(left.instance, left.slot, left.pid) <
           std::tie(right.instance, right.slot, right.pid);
  });
  return workers;
}

bool Keeper::all_warm(std::uint64_t pattern_generation) const {
  return std::none_of(
      state_->connections.begin(), state_->connections.end(), [&](const auto& entry) {
        return entry.second.counts() && entry.second.info.warm_patterns < pattern_generation;
      });
}

std::vector<std::string> Keeper::take_news() {
  return std::exchange(state_->news, {});
}

}  // namespace sluice::keeper

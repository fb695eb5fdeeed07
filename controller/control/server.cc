#include "controller/control/server.h"

#include <httplib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "shared/base/unique_fd.h"

namespace sluice::control {

namespace {

constexpr std::size_t kThreads = 16;  // requests that can wait at one time
constexpr std::size_t kMaxBodyBytes = std::size_t{64} * 1024;
constexpr time_t kIoSeconds = 5;
constexpr mode_t kSocketMode = 0660;
constexpr const char* kJson = "application/json";

}  // namespace

std::string Request::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

// Where the thread of a connection waits for the event loop's answer.
struct Call::Exchange {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Response> response;

  void put(Response given) {
    const std::lock_guard lock(mutex);
    if (!response) response = std::move(given);
    answered.notify_all();
  }

  Response wait() {
    std::unique_lock lock(mutex);
    answered.wait(lock, [this] { return response.has_value(); });
    return std::move(response).value_or(Response{});
  }
};

Call::Call(Request request, std::shared_ptr<Exchange> exchange)
    : request_(std::move(request)), exchange_(std::move(exchange)) {}

Call& Call::operator=(Call&& other) noexcept {
  std::swap(request_, other.request_);
  std::swap(exchange_, other.exchange_);
  return *this;
}

Call::~Call() {
  if (exchange_) answer({503, R"({"error":"the controller is stopping"})"});
}

void Call::answer(Response response) {
  if (exchange_) exchange_->put(std::move(response));
  exchange_.reset();
}

struct Server::State {
  std::string path;  // "": a TCP port
  UniqueFd event;
  httplib::Server http;
  std::thread thread;
  std::mutex mutex;
  std::vector<Call> queue;
  bool stopping = false;

  // On a connection's thread.
  void serve(const httplib::Request& request, httplib::Response& response);
  Result<void> prepare();
  void listen();
};

void Server::State::serve(const httplib::Request& request, httplib::Response& response) {
  Request copy{request.method, request.path, {}};
  for (const auto& [name, value] : request.params)
    copy.parameters.emplace(name, value);
  const auto exchange = std::make_shared<Call::Exchange>();
  {
    Call call(std::move(copy), exchange);
    const std::lock_guard lock(mutex);
    if (!stopping) queue.push_back(std::move(call));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event.get(), &one, sizeof(one));
  const Response answer = exchange->wait();
  response.status = answer.status;
  const bool is_json = answer.content_type == kJson;
  response.set_content(is_json ? answer.body + "\n" : answer.body, answer.content_type);
}

Result<void> Server::State::prepare() {
  event = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("eventfd");
  const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
    serve(request, response);
  };
  http.Get(".*", handler);
  http.Post(".*", handler);
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // httplib deletes it
  http.set_keep_alive_max_count(1);  // an idle client must not keep one of the threads
  http.set_payload_max_length(kMaxBodyBytes);
  http.set_read_timeout(kIoSeconds);
  http.set_write_timeout(kIoSeconds);
  return {};
}

void Server::State::listen() {
  thread = std::thread([this] { http.listen_after_bind(); });
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::open(const std::string& socket_path, std::uint32_t gid) {
  auto state = std::make_unique<State>();
  state->path = socket_path;
  if (Result<void> ready = state->prepare(); !ready) {
    return tl::unexpected<Error>(std::move(ready.error()));
  }
  state->http.set_address_family(AF_UNIX);
  ::unlink(socket_path.c_str());
  // httplib binds and listens in one call: the mask keeps others out from the first moment.
  const mode_t mask = ::umask(0777 & ~kSocketMode);
  const bool bound = state->http.bind_to_port(socket_path.c_str(), 80);
  ::umask(mask);
  if (!bound) return fail(Errc::kSystem, "control socket: cannot listen on " + socket_path);
  if (gid != static_cast<std::uint32_t>(-1) &&
      ::chown(socket_path.c_str(), static_cast<uid_t>(-1), gid) != 0) {
    return fail_errno(socket_path);
  }
  state->listen();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Result<std::unique_ptr<Server>> Server::open_port(const SocketText& socket) {
  auto state = std::make_unique<State>();
  if (Result<void> ready = state->prepare(); !ready) {
    return tl::unexpected<Error>(std::move(ready.error()));
  }
  // Without SO_REUSEPORT, which httplib sets: two controllers on one port are a mistake.
  state->http.set_socket_options([](socket_t sock) {
    const int yes = 1;
    ::setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  if (!state->http.bind_to_port(socket.address.c_str(), socket.port)) {
    return fail(Errc::kSystem, "cannot listen on " + socket.address + " port " +
                                   std::to_string(socket.port) + ": " + std::strerror(errno));
  }
  state->listen();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  std::vector<Call> unanswered;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    unanswered.swap(state_->queue);
  }
  unanswered.clear();
  // stop() does nothing before the thread listens.
  while (!state_->http.is_running())
    std::this_thread::yield();
  state_->http.stop();
  state_->thread.join();
  if (!state_->path.empty()) ::unlink(state_->path.c_str());
}

int Server::fd() const {
  return state_->event.get();
}

std::vector<Call> Server::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(state_->event.get(), &count, sizeof(count));
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->queue, {});
}

}  // namespace sluice::control

#include "controller/kube/http.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "controller/kube/easy_request.h"
#include "shared/base/timeout.h"

namespace sluice::kube {

namespace {

enum class Phase : std::uint8_t { kWaits, kUnderWay, kEnded };

bool is_certificate_failure(int code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
         code == CURLE_SSL_CERTPROBLEM;
}

}  // namespace

struct Http::Transfer {
  Http* http = nullptr;
  RequestId id = 0;
  Request request;
  Receiver* receiver = nullptr;
  std::uint64_t started_ms = 0;
  Phase phase = Phase::kWaits;
  bool sent_again = false;
  bool touched = false;
  bool open = false;  // a good answer to a streaming request has begun
  bool told_open = false;
  std::uint64_t credentials = 0;  // their version
  std::unique_ptr<EasyRequest> easy;
  Lane* lane = nullptr;  // that `easy` is in
  std::string inbox;     // of the answer, not delivered yet
  bool too_large = false;
  Reply reply;

  std::uint64_t deadline_ms() const { return started_ms + request.timeout_ms; }

  void touch() {
    if (std::exchange(touched, true)) return;
    http->touched_.push_back(id);
  }
};

Http::Http(Access& access, const std::string& user_agent)
    : access_(access), user_agent_(user_agent) {}

Result<std::unique_ptr<Http>> Http::open(Access& access, const std::string& user_agent) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(Errc::kSystem, "libcurl: cannot be initialized");
  }
  std::unique_ptr<Http> http(new Http(access, user_agent));
  if (Result<void> done = http->set_up(); !done) {
    return tl::unexpected<Error>(std::move(done.error()));
  }
  return http;
}

Result<void> Http::set_up() {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail_errno("epoll_create1");
  wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return fail_errno("eventfd");
  for (const int fd : {wake_.get(), access_.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint32_t>(fd);  // of no lane
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll");
  }
  return {};
}

// One with room for another request.
Lane* Http::find_lane(std::uint64_t now_ms) {
  for (const auto& [number, lane] : lanes_) {
    if (lane->under_way() < kMaxStreams) return lane.get();
  }
  Result<std::unique_ptr<Lane>> lane = Lane::open(epoll_.get(), ++last_lane_, now_ms);
  if (!lane) return nullptr;
  return lanes_.emplace(last_lane_, std::move(*lane)).first->second.get();
}

Http::~Http() {
  for (auto& [id, transfer] : transfers_)
    detach(*transfer);
  transfers_.clear();
  lanes_.clear();
  curl_global_cleanup();
}

RequestId Http::start(Request request, Receiver& receiver, std::uint64_t now_ms) {
  auto transfer = std::make_unique<Transfer>();
  transfer->http = this;
  transfer->id = ++last_id_;
  transfer->request = std::move(request);
  transfer->receiver = &receiver;
  transfer->started_ms = now_ms;
  Transfer& added = *transfer;
  transfers_.emplace(added.id, std::move(transfer));
  if (added.request.body.size() > kMaxRequestBytes) {
    added.reply = {Ending::kTooLarge,
                   0,
                   "",
                   {},
                   fmt::format("the request has more than {} bytes", kMaxRequestBytes)};
    end(added);
  }
  wake();
  return added.id;
}

void Http::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
}

void Http::cancel(RequestId id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  detach(*found->second);
  transfers_.erase(found);
}

void Http::detach(Transfer& transfer) {
  if (transfer.lane != nullptr) transfer.lane->remove(transfer.easy->handle());
  transfer.lane = nullptr;
  transfer.easy.reset();
}

int Http::timeout_ms(std::uint64_t now_ms) const {
  int timeout = access_.timeout_ms(now_ms);
  for (const auto& [id, transfer] : transfers_)
    timeout = sooner(timeout, timeout_until(transfer->deadline_ms(), now_ms));
  return timeout;
}

void Http::poll(std::uint64_t now_ms) {
  access_.poll(now_ms);
  send_waiting(now_ms);
  perform(now_ms);
  for (const auto& [number, lane] : lanes_)
    take_ended(*lane, now_ms);
  end_late(now_ms);
  drop_empty_lanes();
  deliver(now_ms);
}

void Http::send_waiting(std::uint64_t now_ms) {
  const Credentials* credentials = nullptr;
  for (auto& [id, transfer] : transfers_) {
    if (transfer->phase != Phase::kWaits) continue;
    if (credentials == nullptr) credentials = access_.current(now_ms);
    if (credentials == nullptr) return;
    send(*transfer, *credentials, now_ms);
  }
}

void Http::send(Transfer& transfer, const Credentials& credentials, std::uint64_t now_ms) {
  transfer.easy =
      std::make_unique<EasyRequest>(access_.cluster(), credentials, transfer.request, user_agent_);
  transfer.credentials = credentials.version;
  transfer.phase = Phase::kUnderWay;
  CURL* const handle = transfer.easy->handle();
  Lane* const lane = find_lane(now_ms);
  if (handle != nullptr && lane != nullptr) {
    transfer.easy->call({on_header, on_body, &transfer});
    if (lane->add(handle)) {
      transfer.lane = lane;
      return;
    }
  }
  transfer.reply.failure = "no memory or descriptors for another request";
  end(transfer);
}

// What has ended is delivered.
void Http::end(Transfer& transfer) {
  detach(transfer);
  transfer.phase = Phase::kEnded;
  transfer.touch();
}

void Http::perform(std::uint64_t now_ms) {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto fd = static_cast<int>(event.data.u64 & UINT32_MAX);
    const auto lane = lanes_.find(static_cast<std::uint32_t>(event.data.u64 >> 32));
    if (lane != lanes_.end()) {
      lane->second->act(fd, event.events, now_ms);
    } else if (fd == wake_.get()) {
      std::uint64_t wakes = 0;
      (void)!::read(fd, &wakes, sizeof(wakes));
    }
  }
}

void Http::take_ended(Lane& lane, std::uint64_t now_ms) {
  while (const CURLMsg* message = lane.take_ended()) {
    const CURLcode code = message->data.result;
    Transfer& transfer = *static_cast<Transfer*>(EasyRequest::user_of(message->easy_handle));
    Reply& reply = transfer.reply;
    reply.status = transfer.easy->status();
    if (send_again(transfer, code, now_ms)) continue;
    reply.retry_after_ms = transfer.easy->retry_after_ms();
    if (transfer.too_large) {
      reply.ending = Ending::kTooLarge;
      reply.failure =
          fmt::format("the answer has more than {} bytes", transfer.request.max_body_bytes);
    } else if (code == CURLE_OK) {
      reply.ending = Ending::kComplete;
    } else {
      reply.failure = said_of_server(transfer.easy->failure(code));
    }
    end(transfer);
  }
}

std::string Http::said_of_server(const std::string& what) const {
  return fmt::format("{}: {}", access_.cluster().server, what);
}

// Whether the transfer waits for other credentials than those that were refused.
bool Http::send_again(Transfer& transfer, int curl_code, std::uint64_t now_ms) {
  const bool refused = transfer.reply.status == 401 && curl_code == CURLE_OK;
  if (!refused && !is_certificate_failure(curl_code)) return false;
  access_.refused(transfer.credentials, now_ms);
  if (std::exchange(transfer.sent_again, true)) return false;
  const Credentials* now = access_.current(now_ms);
  if (now != nullptr && now->version == transfer.credentials) return false;
  detach(transfer);
  transfer.inbox.clear();
  transfer.reply = {};
  transfer.phase = Phase::kWaits;
  wake();
  return true;
}

void Http::end_late(std::uint64_t now_ms) {
  std::set<const Lane*> silent;
  for (auto& [id, transfer] : transfers_) {
    if (transfer->phase == Phase::kEnded || now_ms < transfer->deadline_ms()) continue;
    Reply& reply = transfer->reply;
    reply.ending = Ending::kTimeout;
    if (const Lane* lane = transfer->lane; lane != nullptr) {
      const std::uint64_t patience_ms = std::min(transfer->request.timeout_ms, kQuietMs);
      if (now_ms >= lane->last_heard_ms() + patience_ms) silent.insert(lane);
      reply.status = transfer->easy->status();
      reply.failure = said_of_server(
          fmt::format("no answer in {} s", (transfer->request.timeout_ms + 999) / 1000));
    } else {
      reply.failure = "waits for credentials: " + access_.problem();
    }
    end(*transfer);
  }
  for (const Lane* lane : silent)
    give_up(lane);
}

void Http::give_up(const Lane* lane) {
  for (auto& [id, transfer] : transfers_) {
    if (transfer->lane != lane) continue;
    transfer->reply.status = transfer->easy->status();
    transfer->reply.failure = said_of_server("nothing was heard on the connection");
    end(*transfer);
  }
  std::erase_if(lanes_, [&](const auto& each) { return each.second.get() == lane; });
}

// The first one keeps its connection for the next request.
void Http::drop_empty_lanes() {
  while (lanes_.size() > 1 && lanes_.rbegin()->second->under_way() == 0)
    lanes_.erase(std::prev(lanes_.end()));
}

// Receivers may start and cancel: nothing of a transfer is touched after its receiver was called.
void Http::deliver(std::uint64_t now_ms) {
  for (const RequestId id : std::exchange(touched_, {})) {
    auto found = transfers_.find(id);
    if (found == transfers_.end()) continue;
    Transfer& transfer = *found->second;
    transfer.touched = false;
    const bool ended = transfer.phase == Phase::kEnded;
    Receiver& receiver = *transfer.receiver;
    if (transfer.open && !std::exchange(transfer.told_open, true)) {
      receiver.on_open(id, now_ms);
      found = transfers_.find(id);
      if (found == transfers_.end()) continue;
    }
    if (transfer.open && !transfer.inbox.empty()) {
      const std::string data = std::exchange(transfer.inbox, {});
      receiver.on_data(id, data, now_ms);
      found = transfers_.find(id);
      if (found == transfers_.end()) continue;
    }
    if (!ended) continue;
    Reply reply = std::move(found->second->reply);
    reply.body = std::move(found->second->inbox);
    transfers_.erase(found);
    receiver.on_end(id, std::move(reply), now_ms);
  }
}

std::size_t Http::on_header(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const bool last = std::string_view(bytes, count) == "\r\n";
  const int status = last && transfer.request.streaming ? transfer.easy->status() : 0;
  if (status >= 200 && status < 300) {
    transfer.open = true;
    transfer.touch();
  }
  return count;
}

std::size_t Http::on_body(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.inbox.size() + count > transfer.request.max_body_bytes) {
    transfer.too_large = true;
    return 0;  // ends the transfer
  }
  transfer.inbox.append(bytes, count);
  if (transfer.open) transfer.touch();
  return count;
}

}  // namespace sluice::kube

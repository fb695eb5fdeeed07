#include "controller/kube/http.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace sluice::kube {

namespace {

enum class Phase : std::uint8_t { kWaits, kUnderWay, kEnded };

// "https://host:6443/prefix" -> "host:6443"
std::string authority_of(const std::string& server) {
  const std::size_t start = server.find("://") + 3;
  return server.substr(start, server.find('/', start) - start);
}

bool has_port(const std::string& authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string::npos && authority.find(']', colon) == std::string::npos;
}

bool is_loopback(const std::string& authority) {
  return authority.starts_with("127.") || authority.starts_with("localhost:") ||
         authority.starts_with("[::1]");
}

void set_blob(CURL* easy, CURLoption option, const std::string& bytes) {
  if (bytes.empty()) return;
  curl_blob blob = {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

// libcurl shares a connection only among requests with the same authorities and certificate.
void set_credentials(CURL* easy, const Credentials& credentials) {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set_blob(easy, CURLOPT_CAINFO_BLOB, credentials.authority_pem);
  set_blob(easy, CURLOPT_SSLCERT_BLOB, credentials.client_certificate_pem);
  set_blob(easy, CURLOPT_SSLKEY_BLOB, credentials.client_key_pem);
}

void add_header(UniqueCurlList& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return;
  (void)list.release();
  list.reset(longer);
}

// What was sent to a peer that is gone must not wait for minutes.
int on_new_socket(void*, curl_socket_t socket, curlsocktype) noexcept {
  const unsigned silence_ms = Http::kSilenceMs;
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
  return CURL_SOCKOPT_OK;
}

void set_connection(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, Http::kConnectMs);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, Http::kKeepIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, Http::kKeepEverySeconds);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
}

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
  UniqueCurlList headers;
  UniqueCurlList connect_to;
  UniqueCurl easy;
  Lane* lane = nullptr;  // that `easy` is in
  std::array<char, CURL_ERROR_SIZE> error{};
  std::string inbox;  // of the answer, not delivered yet
  bool too_large = false;
  Reply reply;

  std::uint64_t deadline_ms() const { return started_ms + request.timeout_ms; }

  int status() const {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }

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
    added.phase = Phase::kEnded;
    added.reply = {Ending::kTooLarge,
                   0,
                   "",
                   {},
                   fmt::format("the request has more than {} bytes", kMaxRequestBytes)};
    added.touch();
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
  if (transfer.lane != nullptr) transfer.lane->remove(transfer.easy.get());
  transfer.lane = nullptr;
  transfer.easy.reset();
}

int Http::timeout_ms(std::uint64_t now_ms) const {
  int timeout = access_.timeout_ms(now_ms);
  for (const auto& [id, transfer] : transfers_) {
    const std::uint64_t due = transfer->deadline_ms();
    const int left =
        due <= now_ms ? 0 : static_cast<int>(std::min<std::uint64_t>(due - now_ms, INT32_MAX));
    timeout = timeout < 0 ? left : std::min(timeout, left);
  }
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
  transfer.easy.reset(curl_easy_init());
  transfer.headers.reset();
  transfer.credentials = credentials.version;
  transfer.phase = Phase::kUnderWay;
  Lane* const lane = find_lane(now_ms);
  if (transfer.easy) set_options(transfer, credentials);
  if (transfer.easy && lane != nullptr && lane->add(transfer.easy.get())) {
    transfer.lane = lane;
    return;
  }
  transfer.easy.reset();
  transfer.phase = Phase::kEnded;
  transfer.reply.failure = "no memory or descriptors for another request";
  transfer.touch();
}

void Http::set_options(Transfer& transfer, const Credentials& credentials) {
  CURL* const easy = transfer.easy.get();
  const Request& request = transfer.request;
  const Cluster& cluster = access_.cluster();
  std::string server = cluster.server;
  const std::string authority = authority_of(server);
  UniqueCurlList& headers = transfer.headers;
  if (!cluster.tls_server_name.empty()) {
    // libcurl verifies the host of the URL: it gets the name, and is led to the server.
    const std::string port = has_port(authority) ? authority.substr(authority.rfind(':')) : ":443";
    const std::string path = server.substr(server.find(authority) + authority.size());
    server = fmt::format("https://{}{}{}", cluster.tls_server_name, port, path);
    transfer.connect_to.reset();
    add_header(transfer.connect_to,
               fmt::format("::{}{}", authority, has_port(authority) ? "" : port));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
    add_header(headers, "Host: " + authority);
  }
  curl_easy_setopt(easy, CURLOPT_URL, (server + request.path).c_str());
  set_connection(easy);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent_.c_str());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  if (!cluster.proxy_url.empty() || is_loopback(authority)) {
    curl_easy_setopt(easy, CURLOPT_PROXY, cluster.proxy_url.c_str());
  }
  set_credentials(easy, credentials);
  if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    add_header(headers, "Content-Type: " + request.content_type);
    add_header(headers, "Expect:");
  }
  add_header(headers, "Accept: " + request.accept);
  if (!credentials.token.empty()) {
    add_header(headers, "Authorization: Bearer " + credentials.token);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
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
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->reply.status = transfer->status();
    if (send_again(*transfer, code, now_ms)) continue;
    set_reply(*transfer, code);
    detach(*transfer);
    transfer->phase = Phase::kEnded;
    transfer->touch();
  }
}

void Http::set_reply(Transfer& transfer, int curl_code) const {
  Reply& reply = transfer.reply;
  curl_off_t retry_after_s = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &retry_after_s);
  if (retry_after_s > 0) {
    reply.retry_after_ms = static_cast<std::uint64_t>(retry_after_s) * 1000;
  }
  if (transfer.too_large) {
    reply.ending = Ending::kTooLarge;
    reply.failure =
        fmt::format("the answer has more than {} bytes", transfer.request.max_body_bytes);
  } else if (curl_code == CURLE_OK) {
    reply.ending = Ending::kComplete;
  } else {
    const std::string_view said = transfer.error.data();
    reply.failure =
        fmt::format("{}: {}", access_.cluster().server,
                    said.empty() ? curl_easy_strerror(static_cast<CURLcode>(curl_code)) : said);
  }
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
  transfer.error[0] = '\0';
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
      reply.status = transfer->status();
      reply.failure = fmt::format("{}: no answer in {} s", access_.cluster().server,
                                  (transfer->request.timeout_ms + 999) / 1000);
    } else {
      reply.failure = "waits for credentials: " + access_.problem();
    }
    detach(*transfer);
    transfer->phase = Phase::kEnded;
    transfer->touch();
  }
  for (const Lane* lane : silent)
    give_up(lane);
}

void Http::give_up(const Lane* lane) {
  for (auto& [id, transfer] : transfers_) {
    if (transfer->lane != lane) continue;
    transfer->reply.status = transfer->status();
    transfer->reply.failure =
        fmt::format("{}: nothing was heard on the connection", access_.cluster().server);
    detach(*transfer);
    transfer->phase = Phase::kEnded;
    transfer->touch();
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
  const int status = last && transfer.request.streaming ? transfer.status() : 0;
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

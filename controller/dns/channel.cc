#include "controller/dns/channel.h"

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice::dns {

namespace {

constexpr int kTimeoutMs = 1000;  // of the first try; c-ares doubles it
constexpr int kTries = 3;
constexpr const char* kConfiguration = "/etc/resolv.conf";

// Nothing can be connected to there, or it is this machine by another name.
bool is_usable(const in_addr& address) {
  return address.s_addr != INADDR_ANY && !IN_MULTICAST(ntohl(address.s_addr)) &&
         address.s_addr != INADDR_BROADCAST;
}

bool is_usable(const in6_addr& address) {
  return !IN6_IS_ADDR_UNSPECIFIED(&address) && !IN6_IS_ADDR_MULTICAST(&address) &&
         !IN6_IS_ADDR_LINKLOCAL(&address);
}

template <class Address>
void add_address(int family, const Address& address, std::vector<std::string>& addresses) {
  if (!is_usable(address)) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, &address, text.data(), text.size());
  addresses.emplace_back(text.data());
}

Answer answer_of(const ares_addrinfo& result) {
  Answer answer;
  answer.outcome = Outcome::kAddresses;
  int ttl = INT32_MAX;
  for (const ares_addrinfo_cname* each = result.cnames; each != nullptr; each = each->next) {
    ttl = std::min(ttl, each->ttl);
  }
  for (const ares_addrinfo_node* each = result.nodes; each != nullptr; each = each->ai_next) {
    ttl = std::min(ttl, each->ai_ttl);
    if (each->ai_family == AF_INET) {
      sockaddr_in socket{};
      std::memcpy(&socket, each->ai_addr, sizeof(socket));
      add_address(AF_INET, socket.sin_addr, answer.addresses);
    } else if (each->ai_family == AF_INET6) {
      sockaddr_in6 socket{};
      std::memcpy(&socket, each->ai_addr, sizeof(socket));
      add_address(AF_INET6, socket.sin6_addr, answer.addresses);
    }
  }
  std::ranges::sort(answer.addresses);
  const auto doubles = std::ranges::unique(answer.addresses);
  answer.addresses.erase(doubles.begin(), doubles.end());
  answer.ttl_seconds = static_cast<std::uint32_t>(std::max(ttl, 0));
  if (answer.addresses.empty()) answer.outcome = Outcome::kNone;
  return answer;
}

Answer answer_of(int status, const ares_addrinfo* result) {
  if (status == ARES_SUCCESS && result != nullptr) return answer_of(*result);
  Answer answer;
  if (status == ARES_ENODATA || status == ARES_ENOTFOUND) {
    answer.outcome = Outcome::kNone;
  } else {
    answer.failure = ares_strerror(status);
  }
  return answer;
}

tl::unexpected<Error> fail_ares(int status, const char* what) {
  return fail(Errc::kSystem, fmt::format("{}: {}", what, ares_strerror(status)));
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(const std::string& server) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("epoll_create1");
  std::unique_ptr<Channel> channel(new Channel(std::move(epoll), server));
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
    return fail_ares(status, "c-ares");
  }
  if (Result<void> done = channel->set_up(); !done) {
    return tl::unexpected<Error>(std::move(done.error()));
  }
  return channel;
}

Result<void> Channel::set_up() {
  configuration_ = system_configuration();
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH;
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  options.ndomains = 0;
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
             ARES_OPT_SOCK_STATE_CB;
  std::array<char, 2> only_dns = {'b', '\0'};
  if (!server_.empty()) {
    options.lookups = only_dns.data();
    mask |= ARES_OPT_LOOKUPS;
  }
#ifdef ARES_OPT_QUERY_CACHE
  // Answers are kept by those who ask (follower.h), who ask again when they end.
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  ares_channel fresh = nullptr;
  int status = ares_init_options(&fresh, &options, mask);
  if (status != ARES_SUCCESS) return fail_ares(status, "c-ares");
  if (!server_.empty()) status = ares_set_servers_ports_csv(fresh, server_.c_str());
  if (status != ARES_SUCCESS) {
    ares_destroy(fresh);
    return fail_ares(status, server_.c_str());
  }
  if (channel_ != nullptr) ares_destroy(channel_);
  channel_ = fresh;
  return {};
}

Channel::~Channel() {
  if (channel_ != nullptr) ares_destroy(channel_);
  ares_library_cleanup();
}

Channel::FileVersion Channel::system_configuration() {
  struct stat found{};
  if (::stat(kConfiguration, &found) != 0) return {};
  return {found.st_ino, std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

bool Channel::outdated() const {
  return server_.empty() && configuration_ != system_configuration();
}

Result<void> Channel::refresh() {
  return outdated() ? set_up() : Result<void>();
}

void Channel::on_socket(void* self, int socket, int readable, int writable) {
  const int epoll = static_cast<Channel*>(self)->epoll_.get();
  epoll_event event{};
  event.data.fd = socket;
  if (readable != 0) event.events |= EPOLLIN;
  if (writable != 0) event.events |= EPOLLOUT;
  if (event.events == 0) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0) {
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
  }
}

void Channel::ask(const Question& question) {
  ares_addrinfo_hints hints{};
  hints.ai_family = question.family == Family::kIpv4 ? AF_INET : AF_INET6;
  hints.ai_flags = ARES_AI_NOSORT;
  ++under_way_;
  auto asked = std::make_unique<Asked>(Asked{this, question});
  // The callback, which may run at once, takes it back.
  ares_getaddrinfo(channel_, question.hostname.c_str(), nullptr, &hints, on_answer,
                   asked.release());
}

void Channel::on_answer(void* asked, int status, int, ares_addrinfo* result) {
  const std::unique_ptr<Asked> owned(static_cast<Asked*>(asked));
  --owned->channel->under_way_;
  owned->channel->answers_.emplace_back(std::move(owned->question), answer_of(status, result));
  if (result != nullptr) ares_freeaddrinfo(result);
}

void Channel::process() {
  std::array<epoll_event, 16> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int socket = event.data.fd;
    const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    const bool readable = failed || (event.events & EPOLLIN) != 0;
    const bool writable = (event.events & EPOLLOUT) != 0;
    ares_process_fd(channel_, readable ? socket : ARES_SOCKET_BAD,
                    writable ? socket : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

std::vector<std::pair<Question, Answer>> Channel::take_answers() {
  return std::exchange(answers_, {});
}

int Channel::timeout_ms() const {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return -1;
  return static_cast<int>(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

}  // namespace sluice::dns

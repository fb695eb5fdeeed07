#include "controller/kube/lane.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace sluice::kube {

Result<std::unique_ptr<Lane>> Lane::open(int epoll, std::uint32_t number, std::uint64_t now_ms) {
  std::unique_ptr<Lane> lane(new Lane(epoll, number, now_ms));
  if (Result<void> done = lane->set_up(); !done) {
    return tl::unexpected<Error>(std::move(done.error()));
  }
  return lane;
}

Result<void> Lane::set_up() {
  timer_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_ || !watch(EPOLL_CTL_ADD, timer_.get(), EPOLLIN)) return fail_errno("timerfd");
  multi_.reset(curl_multi_init());
  if (!multi_) return fail(Errc::kSystem, "libcurl: no memory");
  CURLM* const multi = multi_.get();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  return {};
}

Lane::~Lane() {
  multi_.reset();  // calls back
}

bool Lane::watch(int operation, int fd, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{number_} << 32 | static_cast<std::uint32_t>(fd);
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
}

bool Lane::add(CURL* easy) {
  if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) return false;
  ++under_way_;
  return true;
}

void Lane::remove(CURL* easy) {
  if (curl_multi_remove_handle(multi_.get(), easy) == CURLM_OK) --under_way_;
}

void Lane::act(int fd, std::uint32_t events, std::uint64_t now_ms) {
  int running = 0;
  if (fd == timer_.get()) {
    // It goes off once, and what it leads to may set it again: it is emptied first.
    std::uint64_t count = 0;
    (void)!::read(fd, &count, sizeof(count));
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    return;
  }
  int what = 0;
  if ((events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
  if ((events & EPOLLIN) != 0) last_heard_ms_ = now_ms;
  curl_multi_socket_action(multi_.get(), fd, what, &running);
}

const CURLMsg* Lane::take_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return message;
  }
  return nullptr;
}

int Lane::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
  const Lane& lane = *static_cast<Lane*>(self);
  std::uint32_t events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
  if (what == CURL_POLL_REMOVE) {
    lane.watch(EPOLL_CTL_DEL, socket, 0);
  } else if (!lane.watch(EPOLL_CTL_MOD, socket, events)) {
    lane.watch(EPOLL_CTL_ADD, socket, events);
  }
  return 0;
}

int Lane::on_timer(CURLM*, long timeout_ms, void* self) noexcept {
  itimerspec when{};
  if (timeout_ms == 0) {
    when.it_value.tv_nsec = 1;
  } else if (timeout_ms > 0) {
    when.it_value.tv_sec = timeout_ms / 1000;
    when.it_value.tv_nsec = timeout_ms % 1000 * 1'000'000;
  }
  ::timerfd_settime(static_cast<Lane*>(self)->timer_.get(), 0, &when, nullptr);
  return 0;
}

}  // namespace sluice::kube

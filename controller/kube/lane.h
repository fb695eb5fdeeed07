// A libcurl multi handle on somebody's epoll: with HTTP/2 one connection, otherwise one for each
// request. What is given up together is in one lane.
//
// Process: controller.   Thread: event loop.   Lifetime: handles are removed before it goes.
// Fails: open(), when libcurl or the kernel has no more.
// Tested by: test/unit/controller/kube/http_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "controller/kube/curl_handles.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::kube {

class Lane {
 public:
  // `number`: of the lane, in the upper half of the epoll events' data.u64; not 0. The lower half
  // is a descriptor.
  static Result<std::unique_ptr<Lane>> open(int epoll, std::uint32_t number, std::uint64_t now_ms);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  bool add(CURL* easy);
  void remove(CURL* easy);

  // An event of its: `events` are those of epoll.
  void act(int fd, std::uint32_t events, std::uint64_t now_ms);
  // Null: no other request has ended.
  const CURLMsg* take_ended();

  std::size_t under_way() const { return under_way_; }

  std::uint64_t last_heard_ms() const { return last_heard_ms_; }

 private:
  Lane(int epoll, std::uint32_t number, std::uint64_t now_ms)
      : epoll_(epoll), number_(number), last_heard_ms_(now_ms) {}

  Result<void> set_up();
  bool watch(int operation, int fd, std::uint32_t events) const;
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept;
  static int on_timer(CURLM*, long timeout_ms, void* self) noexcept;

  int epoll_;
  std::uint32_t number_;
  std::uint64_t last_heard_ms_;
  UniqueFd timer_;
  UniqueCurlMulti multi_;
  std::size_t under_way_ = 0;
};

}  // namespace sluice::kube

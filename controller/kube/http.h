// HTTP requests to one API server, by libcurl's multi_socket on an epoll of our own; nothing waits.
//
// HTTP/2 where the server speaks it: requests share connections, at most kMaxStreams on one. The
// server's certificate is always verified. A request that was refused (401), or whose server's
// certificate was, is sent once more when the credentials have changed since (access.h). When a
// request got no answer in time and its connection was silent for kQuietMs, the connection is given
// up: what was under way on it ends as a network failure.
//
// Requests' times are those that are given to start() and poll(); libcurl's own timers run by a
// timerfd, so that a caller may give any time. The name of a server is looked up by libcurl, in a
// thread of its; an address, as in a Pod, needs none.
//
// Process: controller.   Thread: event loop: fd() becomes readable when poll() has something to do.
// Lifetime: borrows the Access. Requests end without a word when it goes.
// Fails: open(), when libcurl can't be set up; all else is a Reply.
// Tested by: test/unit/controller/kube/http_test.cc, http_credentials_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/kube/access.h"
#include "controller/kube/curl_handles.h"
#include "controller/kube/lane.h"
#include "controller/kube/transport.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::kube {

class Http final : public Transport {
 public:
  static constexpr std::size_t kMaxStreams = 80;  // kube-apiserver allows 100
  static constexpr std::size_t kMaxRequestBytes = std::size_t{4} * 1024 * 1024;
  static constexpr std::uint64_t kQuietMs = 10'000;

  static Result<std::unique_ptr<Http>> open(Access& access, const std::string& user_agent);
  ~Http() override;

  RequestId start(Request request, Receiver& receiver, std::uint64_t now_ms) override;
  void cancel(RequestId id) override;

  int fd() const { return epoll_.get(); }

  int timeout_ms(std::uint64_t now_ms) const;  // -1: none
  void poll(std::uint64_t now_ms);

  std::size_t under_way() const { return transfers_.size(); }

 private:
  struct Transfer;

  Http(Access& access, const std::string& user_agent);

  Result<void> set_up();
  Lane* find_lane(std::uint64_t now_ms);
  void send_waiting(std::uint64_t now_ms);
  void send(Transfer& transfer, const Credentials& credentials, std::uint64_t now_ms);
  void end(Transfer& transfer);
  void perform(std::uint64_t now_ms);
  void take_ended(Lane& lane, std::uint64_t now_ms);
  std::string said_of_server(const std::string& what) const;
  bool send_again(Transfer& transfer, int curl_code, std::uint64_t now_ms);
  void end_late(std::uint64_t now_ms);
  void give_up(const Lane* lane);
  void drop_empty_lanes();
  void deliver(std::uint64_t now_ms);
  void detach(Transfer& transfer);
  void wake();

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count,
                               void* transfer) noexcept;
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count,
                             void* transfer) noexcept;

  Access& access_;
  std::string user_agent_;
  UniqueFd epoll_;
  UniqueFd wake_;  // a request waits to be sent
  std::map<std::uint32_t, std::unique_ptr<Lane>> lanes_;
  std::uint32_t last_lane_ = 0;
  std::map<RequestId, std::unique_ptr<Transfer>> transfers_;
  std::vector<RequestId> touched_;  // have something to deliver
  RequestId last_id_ = 0;
};

}  // namespace sluice::kube

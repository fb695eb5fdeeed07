// Requests to one API server and what comes back: the seam between those who ask (watch.h, calls.h)
// and HTTP (http.h).
//
// Process: controller.   Thread: event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::kube {

using RequestId = std::uint64_t;

struct Request {
  std::string method = "GET";
  std::string path;  // with its query: "/api/v1/services?limit=500"
  std::string accept = "application/json";
  std::string content_type = "";  // of `body`
  std::string body = "";
  std::uint64_t timeout_ms = 30'000;  // for everything, also the wait for credentials
  std::size_t max_body_bytes = std::size_t{4} * 1024 * 1024;
  // A good answer (2xx) goes to on_data() as it comes; max_body_bytes bounds one portion only.
  bool streaming = false;
};

enum class Ending : std::uint8_t {
  kComplete,  // the whole answer came
  kNetwork,   // no answer, or it broke off
  kTimeout,
  kTooLarge,
};

struct Reply {
  Ending ending = Ending::kNetwork;
  int status = 0;  // 0: none came
  std::string body = {};
  std::optional<std::uint64_t> retry_after_ms = {};
  std::string failure = {};  // unless kComplete, for people
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  // All may start and cancel requests. These two only for streaming requests with a good answer:
  // that it begins, then what it brings, never empty.
  virtual void on_open(RequestId id, std::uint64_t now_ms) = 0;
  virtual void on_data(RequestId id, std::string_view data, std::uint64_t now_ms) = 0;
  // Once per request, unless it is cancelled.
  virtual void on_end(RequestId id, Reply reply, std::uint64_t now_ms) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Calls back from its poll(), never from start() or cancel(). `receiver` is borrowed until the
  // end or cancel().
  virtual RequestId start(Request request, Receiver& receiver, std::uint64_t now_ms) = 0;
  virtual void cancel(RequestId id) = 0;
};

}  // namespace sluice::kube

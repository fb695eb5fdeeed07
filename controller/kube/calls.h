// Single requests: objects fetched by name, and writes (write.h), in order for each key.
//
// Calls of one key are sent one after the other, in the order of submit(); those of different keys
// at the same time. How many are under way is the caller's to bound. Nothing is tried again here.
//
//   calls.submit(fetch({"v1", "secrets"}, "default", "web-tls"), now_ms);
//   http.poll(now_ms);
//   for (const CallResult& result : calls.take_results()) ...
//
// Process: controller.   Thread: event loop.   Lifetime: borrows the transport; what is under way
// ends without a result when it goes.   Fails: as an Outcome.
// Tested by: test/unit/controller/kube/calls_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/paths.h"
#include "controller/kube/transport.h"

namespace sluice::kube {

struct Call {
  std::string key;  // what it is about: an object's path
  Request request;
};

enum class Outcome : std::uint8_t {
  kOk,
  kConflict,     // 409: another resourceVersion, another field manager, or it exists already
  kNotFound,     // 404: the object, its namespace or its kind
  kForbidden,    // 401, 403
  kInvalid,      // 400, 422 and every other refusal: the same call will fail again
  kThrottled,    // 429
  kUnavailable,  // 5xx
  kNetwork,      // no answer; a write may have been done or not
};

using CallId = std::uint64_t;

struct CallResult {
  CallId id = 0;
  std::string key;
  Outcome outcome = Outcome::kNetwork;
  int status = 0;
  std::string reason = {};   // of the server: "AlreadyExists"
  std::string message = {};  // for people, unless kOk
  std::optional<std::uint64_t> retry_after_ms = {};
  nlohmann::json object = {};  // of kOk: what the server answered
};

class Calls final : public Receiver {
 public:
  explicit Calls(Transport& transport) : transport_(transport) {}

  ~Calls() override;
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  CallId submit(Call call, std::uint64_t now_ms);
  // Forgets the calls of the key that were not sent yet.
  void drop_waiting(const std::string& key);

  std::vector<CallResult> take_results() { return std::exchange(results_, {}); }

  std::size_t under_way() const { return under_way_.size(); }

  bool has(const std::string& key) const { return queues_.contains(key); }

  void on_open(RequestId, std::uint64_t) override {}

  void on_data(RequestId, std::string_view, std::uint64_t) override {}

  void on_end(RequestId id, Reply reply, std::uint64_t now_ms) override;

 private:
  struct Waiting {
    CallId id;
    Request request;
  };

  void send_next(const std::string& key, std::uint64_t now_ms);

  Transport& transport_;
  std::map<std::string, std::deque<Waiting>> queues_;  // of every key that has a call under way
  std::map<RequestId, std::pair<std::string, CallId>> under_way_;
  std::vector<CallResult> results_;
  CallId last_id_ = 0;
};

// One object. `accept`: of what form, see Request.
Call fetch(const Resource& resource, std::string_view ns, std::string_view name);
// Anything else that can be read, such as "/apis/gateway.networking.k8s.io" or "/version".
Call fetch_path(std::string path);

}  // namespace sluice::kube

// Which of several controllers of one controllerName writes to the cluster: the holder of a Lease.
// The others serve all the same, and take over when it is released or not renewed in time.
//
// A clock of the holder is never compared with ours: what counts is how long the record was seen
// unchanged here, as in k8s.io/client-go/tools/leaderelection. Who holds it stops kRenewMs after
// the last renewal that was answered, well before others may take over.
//
// Process: controller.   Thread: event loop.   Pure: answers and time come in.
// Spec: coordination.k8s.io/v1 Lease
// Tested by: test/unit/controller/source/kube/lease_test.cc
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/kube/calls.h"

namespace sluice::source {

struct LeasePlace {
  std::string ns;
  std::string name;
};

class Lease {
 public:
  static constexpr std::uint64_t kDurationMs = 15'000;  // others wait this long
  static constexpr std::uint64_t kRenewMs = 10'000;
  static constexpr std::uint64_t kRetryMs = 2000;

  // `identity`: of this controller, the same after its restart.
  Lease(LeasePlace place, std::string identity);

  bool held(std::uint64_t now_ms) const { return now_ms < held_until_ms_; }

  // What is to be asked now; it is under way until settle(). `wall_us`: since 1970, for people.
  std::optional<kube::Call> take_due(std::uint64_t now_ms, std::int64_t wall_us);
  void settle(const kube::CallResult& result, std::uint64_t now_ms);

  // Gives it up, so that another one need not wait. None: it is not held.
  std::optional<kube::Call> release(std::uint64_t now_ms, std::int64_t wall_us);

  int timeout_ms(std::uint64_t now_ms) const;  // until take_due() or held() says something new

  // Why it could not be read or written the last time, for people; "": it could.
  const std::string& problem() const { return problem_; }

  const std::string& holder() const { return holder_; }  // "": nobody

 private:
  enum class Step : std::uint8_t { kFetch, kCreate, kUpdate };

  bool may_take(std::uint64_t now_ms) const;
  void observe(const nlohmann::json& lease, std::uint64_t now_ms);
  kube::Call write(std::int64_t wall_us);

  LeasePlace place_;
  std::string identity_;
  Step step_ = Step::kFetch;
  bool under_way_ = false;
  std::uint64_t due_ms_ = 0;
  std::uint64_t asked_ms_ = 0;
  std::uint64_t held_until_ms_ = 0;
  std::string problem_;

  // The record as it was seen last.
  std::string holder_;
  std::string resource_version_;
  std::uint64_t duration_ms_ = 0;
  std::int64_t transitions_ = 0;
  std::uint64_t seen_ms_ = 0;  // since when it did not change
};

}  // namespace sluice::source

// Events of objects, for `kubectl describe`: made of news.h, the same one counted up instead of
// told again, and limited in number for each object.
//
// Process: controller.   Thread: event loop.   Pure: answers and time come in.
// Spec: core/v1 Event; limits as in k8s.io/client-go/tools/record
// Tested by: test/unit/controller/source/kube/events_test.cc
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "controller/kube/calls.h"
#include "controller/model/object.h"
#include "controller/source/kube/news.h"

namespace sluice::source {

class Events {
 public:
  static constexpr std::size_t kMostUnderWay = 2;
  static constexpr std::size_t kMostQueued = 1000;  // the oldest go
  static constexpr double kBurst = 25;              // of one object
  static constexpr std::uint64_t kRefillMs = 300'000;
  static constexpr std::uint64_t kSameMs = 600'000;  // then it is told anew
  static constexpr std::size_t kRemembered = 4096;

  // `component`: who reports, the controllerName.
  explicit Events(std::string component) : component_(std::move(component)) {}

  void tell(const model::ObjectKey& object, const std::string& uid, const News& news,
            std::uint64_t now_ms);

  // Calls that may start now; each is under way until settle(). `wall_us`: since 1970.
  struct Due {
    kube::Call call;
    std::uint64_t number = 0;
  };

  std::vector<Due> take_due(std::uint64_t now_ms, std::int64_t wall_us);
  void settle(std::uint64_t number, const kube::CallResult& result);

  bool idle() const { return queue_.empty(); }

  // Why the last one could not be written, for people; "": it could.
  const std::string& problem() const { return problem_; }

 private:
  struct Item {
    model::ObjectKey object;
    std::string uid;
    News news;
  };

  struct Said {
    std::string event;  // its name
    int count = 0;
    std::uint64_t at_ms = 0;
  };

  struct Bucket {
    double tokens = kBurst;
    std::uint64_t at_ms = 0;
  };

  using Same = std::tuple<std::string, std::string, std::string>;  // uid, reason, message

  bool may_tell(const std::string& uid, std::uint64_t now_ms);
  kube::Call call_of(const Item& item, std::uint64_t now_ms, std::int64_t wall_us);
  void forget_old(std::uint64_t now_ms);

  std::string component_;
  std::deque<Item> queue_;
  std::map<Same, Said> said_;
  std::map<std::string, Bucket> buckets_;  // by uid
  std::map<std::uint64_t, Same> under_way_;
  std::uint64_t last_number_ = 0;
  std::string problem_;
};

}  // namespace sluice::source

// Which statuses have to be written to the API server, and when: one write for each change of
// content, the first one of a generation at once and later ones at most every kPauseMs, kMostWrites
// under way, GatewayClasses, Gateways and ListenerSets before routes and what was touched last
// before a backlog.
//
// Process: controller.   Thread: event loop.   Pure: objects, statuses and time come in.
// Tested by: test/unit/controller/source/kube/status_queue_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/source/kube/objects.h"
#include "controller/source/kube/write_order.h"

namespace sluice::source {

// A merge-patch of the status, bound to the version of the object that it was made of.
struct StatusWrite {
  model::ObjectKey key;
  std::string body;
};

enum class WriteResult : std::uint8_t {
  kDone,      // KubeObjects has the version that the API server answered with
  kConflict,  // somebody else was faster: a newer version is on its way
  kGone,
  kFailed,  // anything else: tried again
};

class StatusQueue {
 public:
  static constexpr std::uint64_t kPauseMs = 200;
  static constexpr std::uint64_t kPendingMs = 200;  // workers adopt a table within a few
  static constexpr std::size_t kMostWrites = 8;
  static constexpr std::uint64_t kFirstRetryMs = 1000;
  static constexpr std::uint64_t kLastRetryMs = 30'000;
  static constexpr std::uint64_t kConflictMs = 5000;  // then the version that is here is tried

  // Our status of an object, null when it has none (any more). None: it is not known yet, and the
  // object is left alone until the next touch().
  using StatusOf = std::function<std::optional<nlohmann::json>(const model::ObjectKey&)>;

  StatusQueue(std::string controller_name, StatusOf status_of);

  // What is shown of the object changed, or the object did.
  void touch(const model::ObjectKey& key, std::uint64_t now_ms);

  // Writes that may start now. Each is under way until its settle().
  std::vector<StatusWrite> take(const KubeObjects& objects, std::uint64_t now_ms);
  void settle(const model::ObjectKey& key, WriteResult result, std::uint64_t now_ms);

  int timeout_ms(std::uint64_t now_ms) const;  // until take() has something to do; -1: none

  bool idle() const { return dirty_.empty() && under_way_.empty(); }

 private:
  struct Last {
    std::int64_t generation = 0;
    std::uint64_t at_ms = 0;
    std::uint64_t retry_ms = 0;    // of the last failure; 0: none
    std::uint64_t pending_ms = 0;  // since when our status waits for nginx; 0: it does not
  };

  std::optional<StatusWrite> make_write(const WriteOrder::Entry& entry, const SeenObject& seen,
                                        std::uint64_t now_ms);
  void note_pending(const model::ObjectKey& key, const nlohmann::json& ours, std::uint64_t now_ms);
  static std::uint64_t not_before(const Last& last, std::int64_t generation);

  std::string controller_name_;
  StatusOf status_of_;
  WriteOrder dirty_;
  std::map<model::ObjectKey, Last> last_;
  std::map<model::ObjectKey, bool> under_way_;  // whether it was touched meanwhile
};

}  // namespace sluice::source

// Writes to the cluster what Sluice makes for Gateways, while this controller may write.
//
// Process: controller.   Thread: event loop.   Lifetime: borrows calls and objects.
// Tested by: test/unit/controller/source/kube/kube_test.cc, test/kube/test_gateway_services.py
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/kube/calls.h"
#include "controller/model/store.h"
#include "controller/source/kube/objects.h"
#include "controller/source/kube/owned_objects.h"

namespace sluice::source {

class OwnedWriter {
 public:
  // Then whose Gateways are ours is known, and what earlier processes made for others goes.
  static constexpr std::uint64_t kLeftoversMs = 10'000;

  // `port_offset`: between the ports of Gateways and those that are open.
  OwnedWriter(kube::Calls& calls, const KubeObjects& objects, std::string controller_name,
              std::uint16_t port_offset);

  // Everything was listed.
  void start(std::uint64_t now_ms);

  // What is known of a Gateway changed: where it listens, or the Gateway itself.
  void show_addresses(const model::ObjectKey& gateway, const std::vector<std::string>& addresses);
  void show(const model::ObjectKey& gateway, bool is_ours);
  // Whether add_problems() says something else than before.
  bool touch(const model::ObjectKey& key);

  void turn(std::uint64_t now_ms, bool may_write);
  // Whether add_problems() says something else than before.
  bool take(const kube::CallResult& result);
  int timeout_ms(std::uint64_t now_ms, bool may_write) const;

  void add_problems(std::vector<model::Problem>& all) const;

 private:
  void tend(const model::ObjectKey& gateway);
  void suspect_leftovers(std::uint64_t now_ms);
  bool drop_refusals();  // of what is of no interest any more

  kube::Calls& calls_;
  const KubeObjects& objects_;
  std::string controller_name_;
  std::uint16_t port_offset_;
  OwnedObjects owned_;
  std::map<model::ObjectKey, std::vector<std::string>> addresses_;  // of the pool
  std::set<model::ObjectKey> ours_;
  std::map<kube::CallId, model::ObjectKey> writes_;
  std::map<model::ObjectKey, std::string> refusals_;
  std::uint64_t leftovers_at_ms_ = 0;  // 0: not started, or done
};

}  // namespace sluice::source

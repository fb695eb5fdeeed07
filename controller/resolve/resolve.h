// What the objects mean: class ownership, listeners and their conflicts, attachment, grants,
// backends, endpoints.
//
// The inputs are the objects, what the hostnames of Backends stand for (controller/dns) and, with a
// pool of addresses, what the Gateways had of it before.
//
// apply() looks only at what the changes can reach (reverse indexes by Gateway, listener, route,
// grant, namespace, Service, EndpointSlice, Backend) and returns only what came out differently.
// After any sequence of changes the state equals that of a fresh Resolver on the same inputs
// (test/property/resolve_incremental_test.cc).
//
// Process: controller, sluicectl check.   Thread: one.   Pure: no clock, file or environment;
// iteration order is by name. Spec: gateway-api v1.7.0; the choices that are ours are in
// controller/doc/pipeline.md. Tested by: test/golden, test/unit/controller/resolve/,
// test/property/resolve_incremental_test.cc
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controller/model/host_answer.h"
#include "controller/model/store.h"
#include "controller/resolve/delta.h"

namespace sluice::resolve {

struct Options {
  std::string controller_name = "sluice.dev/gateway-controller";
  std::vector<std::string> addresses = {"0.0.0.0", "::"};  // of Gateways without spec.addresses
  std::vector<http::IpNetwork> address_pool = {};  // not empty: each Gateway has its own instead
  std::uint16_t port_offset = 0;
  bool in_cluster = false;  // objects come from an API server, and what is made for them goes there
};

class Resolver {
 public:
  explicit Resolver(const Options& options);
  ~Resolver();

  // Which addresses of the pool a Gateway has by its status: it keeps them. Counts from the next
  // apply() on.
  void adopt_addresses(const model::ObjectName& gateway, const std::vector<std::string>& addresses);

  // `store` has the changes applied already; `changes` says which keys they were. Another api() of
  // it counts too.
  // `answers`: of the hostnames whose addresses are others now.
  Delta apply(const model::Store& store, std::span<const model::Change> changes,
              std::span<const model::HostAnswer> answers = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::resolve

// An API server: all of this room behind one descriptor.
//
//   Result<std::unique_ptr<Client>> client = Client::open({.choice = {...}, .user_agent = ...});
//   Reflector& routes = (*client)->watch({.resource = ..., .kind = "HTTPRoute"});
//   (*client)->poll(now_ms);   // when fd() is readable or timeout_ms() has passed
//   routes.take_events(); (*client)->calls().submit(...); (*client)->calls().take_results();
//
// Process: controller.   Thread: event loop: fd() becomes readable when poll() has something to do.
// Fails: open(), when the configuration makes no sense or names what is not there; never for a
// server that is away.   Tested by: test/unit/controller/kube/watch_tls_test.cc
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/kube/access.h"
#include "controller/kube/calls.h"
#include "controller/kube/find_cluster.h"
#include "controller/kube/http.h"
#include "controller/kube/watch.h"
#include "shared/base/result.h"

namespace sluice::kube {

struct ClientOptions {
  ClusterChoice choice;
  std::string user_agent;  // "sluice-controller/0.1.0"
  std::uint64_t seed = 0;  // of pauses and lengths of watches: another one in each replica
};

class Client {
 public:
  static Result<std::unique_ptr<Client>> open(const ClientOptions& options,
                                              const Surroundings& around);

  // Lives as long as the client, or until unwatch().
  Reflector& watch(WatchOptions options);
  void unwatch(const Reflector& reflector);

  Calls& calls() { return calls_; }

  const Cluster& cluster() const { return access_->cluster(); }

  int fd() const { return http_->fd(); }

  int timeout_ms(std::uint64_t now_ms) const;  // -1: none
  void poll(std::uint64_t now_ms);

  // Whether every watch is: see Reflector.
  bool settled() const;

  std::vector<std::string> take_news() { return access_->take_news(); }

  // Of the credentials; "": nothing is wrong.
  const std::string& problem() const { return access_->problem(); }

 private:
  Client(std::unique_ptr<Access> access, std::unique_ptr<Http> http, std::uint64_t seed)
      : access_(std::move(access)), http_(std::move(http)), calls_(*http_), seed_(seed) {}

  std::unique_ptr<Access> access_;
  std::unique_ptr<Http> http_;
  Calls calls_;
  std::vector<std::unique_ptr<Reflector>> reflectors_;
  std::uint64_t seed_;
};

}  // namespace sluice::kube

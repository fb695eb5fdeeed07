#include "controller/kube/client.h"

#include <algorithm>
#include <utility>

#include "shared/base/timeout.h"

namespace sluice::kube {

Result<std::unique_ptr<Client>> Client::open(const ClientOptions& options,
                                             const Surroundings& around) {
  Result<Cluster> cluster = find_cluster(options.choice, around);
  if (!cluster) return tl::unexpected<Error>(std::move(cluster.error()));
  auto access = Access::open(std::move(*cluster));
  if (!access) return tl::unexpected<Error>(std::move(access.error()));
  auto http = Http::open(**access, options.user_agent);
  if (!http) return tl::unexpected<Error>(std::move(http.error()));
  return std::unique_ptr<Client>(new Client(std::move(*access), std::move(*http), options.seed));
}

Reflector& Client::watch(WatchOptions options) {
  reflectors_.push_back(std::make_unique<Reflector>(*http_, std::move(options), ++seed_));
  return *reflectors_.back();
}

void Client::unwatch(const Reflector& reflector) {
  std::erase_if(reflectors_, [&](const auto& each) { return each.get() == &reflector; });
}

void Client::poll(std::uint64_t now_ms) {
  http_->poll(now_ms);
  for (const auto& each : reflectors_)
    each->poll(now_ms);
}

int Client::timeout_ms(std::uint64_t now_ms) const {
  int timeout = http_->timeout_ms(now_ms);
  for (const auto& each : reflectors_)
    timeout = sooner(timeout, each->timeout_ms(now_ms));
  return timeout;
}

bool Client::settled() const {
  return std::all_of(reflectors_.begin(), reflectors_.end(),
                     [](const auto& each) { return each->settled(); });
}

}  // namespace sluice::kube

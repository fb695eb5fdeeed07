#include "controller/resolve/resolve.h"

#include <utility>

#include "controller/resolve/backend_stage.h"
#include "controller/resolve/finding_book.h"
#include "controller/resolve/gateway_stage.h"
#include "controller/resolve/policy_stage.h"
#include "controller/resolve/route_stage.h"

namespace sluice::resolve {

struct Resolver::State {
  explicit State(const Options& options) : gateways(options) {}

  GatewayStage gateways;
  RouteStage routes;
  BackendStage backends;
  PolicyStage policies;
  FindingBook book;
  std::optional<model::InstalledApi> api;  // that findings speak of

  void take(const model::Change& change, const model::Store& store);
};

void Resolver::State::take(const model::Change& change, const model::Store& store) {
  switch (change.key.kind) {
    case model::Kind::kGatewayClass:
    case model::Kind::kGateway:
    case model::Kind::kListenerSet:
    case model::Kind::kSecret:
    case model::Kind::kGatewayParameters:
      gateways.on_change(change.key, store);
      break;
    case model::Kind::kService:
      gateways.on_change(change.key, store);
      [[fallthrough]];
    case model::Kind::kBackend:
      backends.on_change(change.key, store);
      routes.on_change(change.key);
      break;
    case model::Kind::kEndpointSlice:
      backends.on_change(change.key, store);
      break;
    case model::Kind::kReferenceGrant:
    case model::Kind::kNamespace:
      gateways.on_change(change.key, store);
      routes.on_change(change.key);
      break;
    case model::Kind::kHttpRoute:
    case model::Kind::kGrpcRoute:
    case model::Kind::kTlsRoute:
    case model::Kind::kTcpRoute:
    case model::Kind::kUdpRoute:
      routes.on_change(change.key);
      break;
    case model::Kind::kBackendTlsPolicy:
      policies.on_change(change.key);
      routes.on_change(change.key);
      break;
    case model::Kind::kConfigMap:
    case model::Kind::kClusterTrustBundle:
      gateways.on_change(change.key, store);
      policies.on_change(change.key);
      break;
  }
}

Resolver::Resolver(const Options& options) : state_(std::make_unique<State>(options)) {}

Resolver::~Resolver() = default;

void Resolver::adopt_addresses(const model::ObjectName& gateway,
                               const std::vector<std::string>& addresses) {
  state_->gateways.adopt_addresses(gateway, addresses);
}

Delta Resolver::apply(const model::Store& store, std::span<const model::Change> changes,
                      std::span<const model::HostAnswer> answers) {
  for (const model::Change& change : changes)
    state_->take(change, store);
  if (state_->api != store.api()) {
    state_->api = store.api();
    state_->gateways.on_api(store);
    state_->policies.on_api(store);
  }
  for (const model::HostAnswer& answer : answers)
    state_->backends.on_answer(answer);
  Delta delta;
  for (const model::ObjectKey& parent : state_->gateways.update(store, state_->book, delta)) {
    state_->routes.on_change(parent);
  }
  for (const model::ObjectKey& target : state_->policies.update(store)) {
    state_->backends.on_policy(target);
  }
  state_->routes.update(
      {store, state_->gateways, state_->backends, state_->policies, state_->book, delta});
  state_->backends.publish(store, state_->policies, delta);
  state_->policies.publish_findings(store, state_->book, delta);
  state_->gateways.publish_findings(state_->book, delta);
  return delta;
}

}  // namespace sluice::resolve

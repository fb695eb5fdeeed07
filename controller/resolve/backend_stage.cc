#include "controller/resolve/backend_stage.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "controller/resolve/address.h"

namespace sluice::resolve {

namespace {

using model::Kind;

const model::ServicePort* find_port(const model::Service& service, const BackendKey& backend) {
  const std::string_view protocol = protocol_name(backend.transport);
  const auto found = std::ranges::find_if(service.ports, [&](const model::ServicePort& candidate) {
    return candidate.port == backend.port && candidate.protocol == protocol;
  });
  return found == service.ports.end() ? nullptr : &*found;
}

std::optional<std::uint16_t> number_of(const std::string& text) {
  std::uint16_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

// The slice's number for the Service's port: the two are joined by the port's name. A slice port
// without a number means every port, so the Service's own target decides.
std::optional<std::uint16_t> endpoint_port(const model::EndpointSlice& slice,
                                           const model::ServicePort& wanted) {
  const auto found = std::ranges::find_if(slice.ports, [&](const model::SlicePort& port) {
    return port.name == wanted.name && port.protocol == wanted.protocol;
  });
  if (found == slice.ports.end()) return std::nullopt;
  return found->port ? found->port : number_of(wanted.target_port);
}

void add_slice(const model::EndpointSlice& slice, const model::ServicePort& wanted,
               std::vector<BackendAddress>& addresses) {
  const auto port = endpoint_port(slice, wanted);
  if (!port) return;
  for (const model::SliceEndpoint& endpoint : slice.endpoints) {
    if (!endpoint.ready || endpoint.terminating || endpoint.addresses.empty()) continue;
    // Several addresses of one endpoint are the same thing: the API says to use the first.
    const auto address = canonical_address(endpoint.addresses.front());
    if (address) addresses.push_back({*address, *port, false});
  }
}

}  // namespace

void BackendStage::on_change(const model::ObjectKey& key, const model::Store& store) {
  if (key.kind == Kind::kEndpointSlice) {
    on_slice(key.name, store);
  } else {
    if (key.kind == Kind::kBackend) note_hostnames(key.name, store);
    touch(key);
  }
}

void BackendStage::note_hostnames(const model::ObjectName& name, const model::Store& store) {
  std::set<std::string> hostnames;
  if (const auto* object = store.find<model::Backend>(Kind::kBackend, name)) {
    for (const model::BackendEndpoint& endpoint : object->endpoints) {
      if (!endpoint.hostname.empty()) hostnames.insert(endpoint.hostname);
    }
  }
  backends_by_hostname_.set(name, std::move(hostnames));
}

void BackendStage::on_answer(const model::HostAnswer& answer) {
  if (answer.addresses.empty()) {
    addresses_by_hostname_.erase(answer.hostname);
  } else {
    addresses_by_hostname_[answer.hostname] = answer.addresses;
  }
  for (const model::ObjectName& name : backends_by_hostname_.dependents_of(answer.hostname)) {
    touch({Kind::kBackend, name});
  }
}

void BackendStage::touch(const model::ObjectKey& object) {
  for (auto it = backends_.lower_bound({object, 0}); it != backends_.end(); ++it) {
    if (it->first.object != object) break;
    touched_.insert(it->first);
  }
}

void BackendStage::on_slice(const model::ObjectName& slice, const model::Store& store) {
  if (const auto old = service_of_slice_.find(slice); old != service_of_slice_.end()) {
    touch({Kind::kService, old->second});
    const auto slices = slices_of_service_.find(old->second);
    slices->second.erase(slice);
    if (slices->second.empty()) slices_of_service_.erase(slices);
    service_of_slice_.erase(old);
  }
  const auto* object = store.find<model::EndpointSlice>(Kind::kEndpointSlice, slice);
  if (object == nullptr || object->service.empty()) return;
  const model::ObjectName service{slice.ns, object->service};
  service_of_slice_.emplace(slice, service);
  slices_of_service_[service].insert(slice);
  touch({Kind::kService, service});
}

void BackendStage::use(const BackendKey& backend) {
  ++backends_[backend].users;
  touched_.insert(backend);
}

void BackendStage::release(const BackendKey& backend) {
  --backends_[backend].users;
  touched_.insert(backend);
}

// A name that nothing is known of has no endpoints: it is no mistake, and may have some any time.
void BackendStage::add_endpoint(const model::BackendEndpoint& endpoint,
                                std::vector<BackendAddress>& addresses) const {
  if (!endpoint.unix_path.empty()) {
    addresses.push_back({endpoint.unix_path, 0, true});
  } else if (const auto address = canonical_address(endpoint.address)) {
    addresses.push_back({*address, endpoint.port, false});
  } else if (const auto known = addresses_by_hostname_.find(endpoint.hostname);
             known != addresses_by_hostname_.end()) {
    for (const std::string& each : known->second)
      addresses.push_back({each, endpoint.port, false});
  }
}

std::vector<BackendAddress> BackendStage::addresses_of(const BackendKey& backend,
                                                       const model::Store& store) const {
  std::vector<BackendAddress> addresses;
  const model::ObjectName& name = backend.object.name;
  if (backend.object.kind == Kind::kBackend) {
    if (const auto* object = store.find<model::Backend>(Kind::kBackend, name)) {
      for (const model::BackendEndpoint& endpoint : object->endpoints) {
        // A unix socket is one of connections.
        if (!endpoint.unix_path.empty() && backend.transport == Transport::kUdp) continue;
        add_endpoint(endpoint, addresses);
      }
    }
  } else if (const auto* service = store.find<model::Service>(Kind::kService, name)) {
    const model::ServicePort* port = find_port(*service, backend);
    const auto slices = slices_of_service_.find(name);
    if (port != nullptr && slices != slices_of_service_.end()) {
      for (const model::ObjectName& slice : slices->second) {
        add_slice(*store.find<model::EndpointSlice>(Kind::kEndpointSlice, slice), *port, addresses);
      }
    }
  }
  std::ranges::sort(addresses);
  const auto doubles = std::ranges::unique(addresses);
  addresses.erase(doubles.begin(), doubles.end());
  return addresses;
}

void BackendStage::publish(const model::Store& store, const PolicyStage& policies, Delta& delta) {
  for (const BackendKey& key : touched_) {
    const auto found = backends_.find(key);
    State& state = found->second;
    if (state.users == 0) {
      if (state.published) delta.backends_gone.push_back(key.id());
      backends_.erase(found);
      continue;
    }
    ServedBackend served{key.id(), addresses_of(key, store), policies.tls_of(key, store)};
    if (state.published && served == state.told) continue;
    state.published = true;
    state.told = served;
    delta.backends.push_back(std::move(served));
  }
  touched_.clear();
}

}  // namespace sluice::resolve

#include "shared/table/shadow_listeners.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <tuple>
#include <utility>

#include "shared/base/hash.h"
#include "shared/table/blob_builder.h"
#include "shared/table/endpoints.h"
#include "shared/table/keys.h"
#include "shared/table/narrow.h"
#include "shared/table/table_counters.h"

namespace sluice::table {
namespace {

// Those that relay what they can't look into have no hostname: nothing chooses among them.
bool is_named(const ListenerSpec& spec) {
  return spec.mode != ListenerMode::kTcp && spec.mode != ListenerMode::kUdp;
}

bool by_server_name(const ListenerSpec& spec) {
  return spec.mode == ListenerMode::kTlsPassthrough || spec.mode == ListenerMode::kTlsTerminate;
}

std::vector<GroupName> groups_of(const ListenerSpec& spec) {
  std::vector<GroupName> names;
  names.reserve(spec.sockets.size() + 1);
  for (const SocketKey& socket : spec.sockets) {
    names.push_back({GroupKind::kSocket, socket, {}, 0});
  }
  if (is_named(spec)) names.push_back({GroupKind::kNamed, {}, spec.gateway, spec.port});
  return names;
}

GroupName only_port_group(const std::string& gateway) {
  return {GroupKind::kNamed, {}, gateway, 0};
}

std::uint64_t group_hash(std::uint64_t seed, const GroupName& name) {
  if (name.kind == GroupKind::kNamed) return named_key_hash(seed, name.gateway, name.port);
  return socket_key_hash(seed, name.socket.transport, name.socket.family, name.socket.port,
                         name.socket.address);
}

std::size_t add_certificate(BlobBuilder& blob, const CertificateSpec& certificate) {
  CertificateRef ref{};
  std::copy(certificate.hash.begin(), certificate.hash.end(), std::begin(ref.hash));
  ref.unit = certificate.unit;
  ref.bytes = certificate.bytes;
  ref.name_bytes = static_cast<std::uint32_t>(certificate.name.size());
  return blob.add(ref);
}

// The certificates' names lie behind the records, the ciphers behind them.
void add_tls(BlobBuilder& blob, std::size_t listener, const ListenerSpec& spec) {
  if (!spec.tls) return;
  ListenerTls record{};
  const auto identity = content_hash128(spec.gateway + "/" + spec.name);
  std::copy(identity.begin(), identity.end(), std::begin(record.identity));
  record.certificates = static_cast<std::uint32_t>(spec.tls->certificates.size());
  record.ciphers_bytes = narrow16(spec.tls->ciphers.size());
  record.min_version = spec.tls->min_version;
  record.client_validation = spec.tls->client_validation;
  const std::size_t head = blob.add(record);
  blob.link(listener + offsetof(Listener, tls), head);
  std::vector<const CertificateSpec*> certificates;
  certificates.reserve(spec.tls->certificates.size() + 1);
  for (const CertificateSpec& certificate : spec.tls->certificates)
    certificates.push_back(&certificate);
  if (spec.tls->client_validation != ClientValidation::kNone) {
    certificates.push_back(&spec.tls->authorities);
  }
  std::vector<std::size_t> places;
  places.reserve(certificates.size());
  for (const CertificateSpec* certificate : certificates)
    places.push_back(add_certificate(blob, *certificate));
  for (std::size_t i = 0; i < places.size(); ++i) {
    blob.link(places[i] + offsetof(CertificateRef, name), blob.add_text(certificates[i]->name));
  }
  if (spec.tls->ciphers.empty()) return;
  blob.link(head + offsetof(ListenerTls, ciphers), blob.add_text(spec.tls->ciphers));
}

void add_options(BlobBuilder& blob, std::size_t listener, const ListenerOptionsSpec& spec) {
  if (spec == ListenerOptionsSpec{}) return;
  ListenerOptions record{};
  record.networks = static_cast<std::uint32_t>(spec.trusted_proxies.size());
  record.max_header_bytes = spec.max_header_bytes;
  record.max_body_bytes = spec.max_body_bytes;
  record.max_uri_bytes = spec.max_uri_bytes;
  blob.link(listener + offsetof(Listener, options), blob.add(record));
  for (const http::IpNetwork& trusted : spec.trusted_proxies) {
    Network network{};
    network.family = trusted.address.ipv6 ? Family::kIpv6 : Family::kIpv4;
    network.prefix_bits = trusted.prefix_bits;
    std::copy(trusted.address.bytes.begin(), trusted.address.bytes.end(),
              std::begin(network.address));
    blob.add(network);
  }
}

void add_client_certificate(BlobBuilder& blob, std::size_t listener, const ListenerSpec& spec) {
  if (!spec.client_certificate) return;
  const std::size_t place = add_certificate(blob, *spec.client_certificate);
  blob.link(listener + offsetof(Listener, client_certificate), place);
  blob.link(place + offsetof(CertificateRef, name), blob.add_text(spec.client_certificate->name));
}

}  // namespace

void ShadowListeners::put(const ListenerSpec& spec) {
  ShadowListener& listener = listeners_[spec.id];
  if (listener.is_put && listener.spec == spec) return;
  if (listener.is_put) leave_all(listener.spec);
  listener.is_put = true;
  listener.spec = spec;
  for (const GroupName& name : groups_of(spec)) {
    join(name, spec);
  }
  if (!is_named(spec)) return;
  leave_only_port(spec.gateway);
  gateways_[spec.gateway].insert(spec.id);
  join_only_port(spec.gateway);
}

void ShadowListeners::remove(std::uint32_t id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end() || !found->second.is_put) return;
  leave_all(found->second.spec);
  found->second.is_put = false;
  if (found->second.hosts.summary() == HostSummary{}) listeners_.erase(found);
}

void ShadowListeners::leave_all(const ListenerSpec& spec) {
  for (const GroupName& name : groups_of(spec)) {
    leave(name, spec);
  }
  if (!is_named(spec)) return;
  leave_only_port(spec.gateway);
  const auto gateway = gateways_.find(spec.gateway);
  gateway->second.erase(spec.id);
  if (gateway->second.empty()) {
    gateways_.erase(gateway);
  } else {
    join_only_port(spec.gateway);
  }
}

void ShadowListeners::leave_only_port(const std::string& gateway) {
  if (only_port_.erase(gateway) == 0) return;
  for (const std::uint32_t id : gateways_[gateway]) {
    leave(only_port_group(gateway), listeners_[id].spec);
  }
}

void ShadowListeners::join_only_port(const std::string& gateway) {
  const std::set<std::uint32_t>& ids = gateways_[gateway];
  const std::uint16_t port = listeners_[*ids.begin()].spec.port;
  const bool only =
      std::ranges::all_of(ids, [&](std::uint32_t id) { return listeners_[id].spec.port == port; });
  if (!only) return;
  only_port_.insert(gateway);
  for (const std::uint32_t id : ids) {
    join(only_port_group(gateway), listeners_[id].spec);
  }
}

void ShadowListeners::join(const GroupName& name, const ListenerSpec& spec) {
  ShadowGroup& group = groups_[name];
  if (group.id == 0) group.id = next_group_++;
  const Rank rank{spec.gateway, spec.name, spec.id};
  if (group.places[spec.hostname].listeners.insert(rank).second) note_member(group, spec, true);
  group.marked.insert(spec.hostname);
  marked_groups_.insert(name);
}

void ShadowListeners::leave(const GroupName& name, const ListenerSpec& spec) {
  ShadowGroup& group = groups_[name];
  const Rank rank{spec.gateway, spec.name, spec.id};
  if (group.places[spec.hostname].listeners.erase(rank) != 0) note_member(group, spec, false);
  group.marked.insert(spec.hostname);
  marked_groups_.insert(name);
}

void ShadowListeners::note_member(ShadowGroup& group, const ListenerSpec& spec, bool joins) {
  const auto summary = [&group] {
    return std::tuple(group.hosts.summary(), group.tls > 0, group.proxy_protocol > 0,
                      group.raw_tcp > 0, group.server_names > 0);
  };
  const auto count = [joins](std::uint32_t& members, bool says_so) {
    if (says_so) joins ? ++members : --members;
  };
  const auto before = summary();
  if (joins) {
    group.hosts.add(spec.hostname);
  } else {
    group.hosts.remove(spec.hostname);
  }
  count(group.tls, spec.tls.has_value() || by_server_name(spec));
  count(group.proxy_protocol, spec.proxy_protocol);
  count(group.raw_tcp, spec.mode == ListenerMode::kTcp);
  count(group.server_names, by_server_name(spec));
  if (summary() != before) group.record_marked = true;
}

void ShadowListeners::add_host(std::uint32_t id, const Host& host) {
  ShadowListener& listener = listeners_[id];
  const HostSummary before = listener.hosts.summary();
  listener.hosts.add(host);
  if (listener.hosts.summary() != before) mark_everywhere(id);
}

void ShadowListeners::remove_host(std::uint32_t id, const Host& host) {
  ShadowListener& listener = listeners_[id];
  const HostSummary before = listener.hosts.summary();
  listener.hosts.remove(host);
  if (listener.hosts.summary() != before) mark_everywhere(id);
  if (!listener.is_put && listener.hosts.summary() == HostSummary{}) listeners_.erase(id);
}

void ShadowListeners::mark_everywhere(std::uint32_t id) {
  const ShadowListener& listener = listeners_[id];
  if (!listener.is_put) return;
  const ListenerSpec& spec = listener.spec;
  std::vector<GroupName> names = groups_of(spec);
  if (is_named(spec) && only_port_.contains(spec.gateway)) {
    names.push_back(only_port_group(spec.gateway));
  }
  for (const GroupName& name : names) {
    groups_[name].marked.insert(spec.hostname);
    marked_groups_.insert(name);
  }
}

void ShadowListeners::write(Transaction& tx, EndpointTable& endpoints, std::uint64_t seed) {
  Writing writing{tx, endpoints, seed, {}, {}, {}};
  if (tx.moves()) {
    for (Groups::value_type& group : groups_) {
      write_group(writing, group);
    }
  } else {
    for (const GroupName& name : marked_groups_) {
      write_group(writing, *groups_.find(name));
    }
  }
  update_tab(tx, socket_tab_, writing.sockets,
             [&] { return group_keys(tx, seed, GroupKind::kSocket); });
  update_tab(tx, named_tab_, writing.named,
             [&] { return group_keys(tx, seed, GroupKind::kNamed); });
  update_tab(tx, listener_tab_, writing.listeners, [&] { return listener_keys(tx, seed); });
}

Blob ShadowListeners::write_group_record(Writing& writing, const GroupName& name,
                                         ShadowGroup& group) {
  Transaction& tx = writing.tx;
  const HostSummary hosts = group.hosts.summary();
  BlobBuilder blob;
  Group record{};
  record.id = group.id;
  record.kind = name.kind;
  record.wildcard_labels = hosts.wildcard_labels;
  record.has_exact = hosts.has_exact;
  record.has_any = hosts.has_any;
  record.tls = group.tls > 0 ? 1 : 0;
  record.proxy_protocol = group.proxy_protocol > 0 ? 1 : 0;
  record.raw_tcp = group.raw_tcp > 0 ? 1 : 0;
  record.server_names = group.server_names > 0 ? 1 : 0;
  if (name.kind == GroupKind::kSocket) {
    if (group.counter.incarnation == 0) {
      Result<arena::CounterRef> line = writing.endpoints.counters().sockets.acquire(name.socket);
      if (!line) {
        tx.fail(std::move(line.error()));
        return {};
      }
      group.counter = *line;
    }
    record.counter = group.counter.line;
    record.counter_incarnation = group.counter.incarnation;
    record.family = name.socket.family;
    record.transport = name.socket.transport;
    record.port = name.socket.port;
    std::memcpy(record.address, name.socket.address, sizeof record.address);
    blob.add(record);
    return blob.write(tx, 8);
  }
  record.port = name.port;
  record.name_bytes = static_cast<std::uint32_t>(name.gateway.size());
  const std::size_t head = blob.add(record);
  blob.link(head + offsetof(Group, name), blob.add_text(name.gateway));
  return blob.write(tx, 8);
}

void ShadowListeners::write_group(Writing& writing, Groups::value_type& named) {
  Transaction& tx = writing.tx;
  auto& [name, group] = named;
  if (tx.moves()) {
    for (const auto& [host, place] : group.places) {
      write_place(writing, group, host);
    }
  } else {
    for (const Host& host : group.marked) {
      write_place(writing, group, host);
    }
  }
  if (!group.record_marked && !tx.moves()) return;
  const Offset from = tx.offset(group.slot);
  const bool gone = group.hosts.summary() == HostSummary{};
  if (gone && from == 0) return;
  const Blob blob = gone ? Blob{} : write_group_record(writing, name, group);
  tx.replace(group.slot, blob);
  const bool socket = name.kind == GroupKind::kSocket;
  (socket ? writing.sockets : writing.named)
      .push_back({group_hash(writing.seed, name), from, blob.offset});
}

void ShadowListeners::write_place(Writing& writing, ShadowGroup& group, const Host& host) {
  Transaction& tx = writing.tx;
  Place& place = group.places.find(host)->second;
  const Offset from = tx.offset(place.slot);
  if (tx.failed() || (place.listeners.empty() && from == 0)) return;
  const Blob blob =
      place.listeners.empty() ? Blob{} : write_listener(tx, group.id, place.listeners.begin()->id);
  tx.replace(place.slot, blob);
  writing.listeners.push_back(
      {listener_key_hash(writing.seed, group.id, host.kind, host.name), from, blob.offset});
}

Blob ShadowListeners::write_listener(Transaction& tx, std::uint32_t group, std::uint32_t id) const {
  const ShadowListener& listener = listeners_.find(id)->second;
  const ListenerSpec& spec = listener.spec;
  const HostSummary hosts = listener.hosts.summary();
  BlobBuilder blob;
  Listener record{};
  record.group = group;
  record.id = id;
  record.wildcard_labels = hosts.wildcard_labels;
  record.hostname_bytes = narrow16(spec.hostname.name.size());
  record.hostname_kind = spec.hostname.kind;
  record.has_exact = hosts.has_exact;
  record.has_any = hosts.has_any;
  record.mode = spec.mode;
  record.port = spec.port;
  record.client_port = spec.client_port;
  record.gateway_bytes = narrow16(spec.gateway.size());
  record.name_bytes = narrow16(spec.name.size());
  record.backend_proxy_protocol = spec.backend_proxy_protocol ? 1 : 0;
  const std::size_t head = blob.add(record);
  if (!spec.hostname.name.empty()) {
    blob.link(head + offsetof(Listener, hostname), blob.add_text(spec.hostname.name));
  }
  blob.link(head + offsetof(Listener, gateway), blob.add_text(spec.gateway));
  blob.link(head + offsetof(Listener, name), blob.add_text(spec.name));
  add_tls(blob, head, spec);
  add_client_certificate(blob, head, spec);
  add_options(blob, head, spec.options);
  return blob.write(tx, 8);
}

std::vector<TabKey> ShadowListeners::group_keys(const Transaction& tx, std::uint64_t seed,
                                                GroupKind kind) const {
  std::vector<TabKey> keys;
  for (const auto& [name, group] : groups_) {
    const Offset offset = tx.offset(group.slot);
    if (name.kind == kind && offset != 0) keys.push_back({group_hash(seed, name), offset});
  }
  return keys;
}

std::vector<TabKey> ShadowListeners::listener_keys(const Transaction& tx,
                                                   std::uint64_t seed) const {
  std::vector<TabKey> keys;
  for (const auto& [name, group] : groups_) {
    for (const auto& [host, place] : group.places) {
      const Offset offset = tx.offset(place.slot);
      if (offset == 0) continue;
      keys.push_back({listener_key_hash(seed, group.id, host.kind, host.name), offset});
    }
  }
  return keys;
}

void ShadowListeners::settle(EndpointTable& endpoints) {
  for (const GroupName& name : marked_groups_) {
    const auto found = groups_.find(name);
    ShadowGroup& group = found->second;
    for (const Host& host : group.marked) {
      const auto place = group.places.find(host);
      if (place->second.listeners.empty()) group.places.erase(place);
    }
    group.marked.clear();
    group.record_marked = false;
    if (!group.places.empty()) continue;
    if (group.counter.incarnation != 0) {
      endpoints.counters().sockets.release(group.counter.line);
    }
    groups_.erase(found);
  }
  marked_groups_.clear();
}

}  // namespace sluice::table

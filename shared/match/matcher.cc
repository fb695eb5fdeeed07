#include "shared/match/matcher.h"

#include <array>
#include <optional>

#include "shared/match/entries.h"
#include "shared/match/lookup_context.h"
#include "shared/match/shard_search.h"
#include "shared/match/trace.h"
#include "shared/table/keys.h"
#include "shared/table/tab.h"

namespace sluice::match {

namespace {

using table::Group;
using table::HostKind;
using table::Listener;
using table::Offset;
using table::Reader;
using table::Shard;
using table::Tab;

std::optional<Group> find_socket_group(const Reader& reader, const table::Root& root,
                                       const table::SocketKey& key) {
  std::optional<Group> found;
  const std::span<const std::uint8_t, 16> address(key.address);
  const std::uint64_t hash = table::socket_key_hash(root.hash_seed, key.family, key.port, address);
  table::find_in_tab(reader, root.sockets, hash, [&](Offset offset) {
    found = reader.read<Group>(offset);
    if (found && found->kind == table::GroupKind::kSocket && found->family == key.family &&
        found->port == key.port &&
        std::equal(address.begin(), address.end(), std::begin(found->address))) {
      return true;
    }
    found.reset();
    return false;
  });
  return found;
}

std::optional<Group> find_named_group(const Reader& reader, const table::Root& root,
                                      std::string_view gateway, std::uint16_t port) {
  std::optional<Group> found;
  const std::uint64_t hash = table::named_key_hash(root.hash_seed, gateway, port);
  table::find_in_tab(reader, root.named, hash, [&](Offset offset) {
    found = reader.read<Group>(offset);
    if (found && found->kind == table::GroupKind::kNamed && found->port == port &&
        reader.text(found->name, 0, found->name_bytes) == gateway) {
      return true;
    }
    found.reset();
    return false;
  });
  return found;
}

std::optional<Group> find_group(const Reader& reader, const table::Root& root,
                                const GroupKey& key) {
  if (key.named) return find_named_group(reader, root, key.gateway, key.port);
  std::optional<Group> group = find_socket_group(reader, root, key.socket);
  if (group) return group;
  return find_socket_group(reader, root, {key.socket.family, key.socket.port, {}});
}

// Calls probe(kind, name) for the hostnames that cover `host`, from the most to the least specific,
// as far as the masks say that there are any; stops when it returns true.
template <class Record, class Probe>
bool probe_hostnames(const Record& masks, std::string_view host, Probe&& probe) {
  if (masks.has_exact != 0 && probe(HostKind::kExact, host)) return true;
  if (masks.wildcard_labels != 0) {
    std::uint32_t labels = static_cast<std::uint32_t>(std::count(host.begin(), host.end(), '.'));
    for (std::size_t dot = host.find('.'); dot != std::string_view::npos;
         dot = host.find('.', dot + 1), --labels) {
      if ((masks.wildcard_labels & table::depth_bit(labels)) != 0 &&
          probe(HostKind::kWildcard, host.substr(dot + 1))) {
        return true;
      }
    }
  }
  return masks.has_any != 0 && probe(HostKind::kAny, std::string_view{});
}

template <class Record>
bool has_hostname(const Reader& reader, const Record& record, HostKind kind,
                  std::string_view name) {
  if (record.hostname_kind != kind || record.hostname_bytes != name.size()) return false;
  return name.empty() || reader.text(record.hostname, 0, name.size()) == name;
}

std::optional<Listener> find_listener(const Reader& reader, const table::Root& root,
                                      const Group& group, std::string_view host) {
  std::optional<Listener> found;
  const auto probe = [&](HostKind kind, std::string_view name) {
    const std::uint64_t hash = table::listener_key_hash(root.hash_seed, group.id, kind, name);
    return table::find_in_tab(reader, root.listeners, hash, [&](Offset offset) {
      found = reader.read<Listener>(offset);
      if (found && found->group == group.id && has_hostname(reader, *found, kind, name)) {
        return true;
      }
      found.reset();
      return false;
    });
  };
  probe_hostnames(group, host, probe);
  return found;
}

std::optional<Shard> find_shard(const Reader& reader, const table::Root& root,
                                std::uint32_t listener, HostKind kind, std::string_view name) {
  std::optional<Shard> found;
  const std::uint64_t hash = table::shard_key_hash(root.hash_seed, listener, kind, name);
  table::find_in_tab(reader, root.shards, hash, [&](Offset offset) {
    found = reader.read<Shard>(offset);
    if (found && found->listener == listener && has_hostname(reader, *found, kind, name)) {
      return true;
    }
    found.reset();
    return false;
  });
  return found;
}

void find_in_shards(const Reader& reader, const table::Root& root, const RequestView& request,
                    EntryMatcher& entries, ShardSearch& search, Match& match) {
  probe_hostnames(match.listener, request.host, [&](HostKind kind, std::string_view name) {
    const std::optional<Shard> shard = find_shard(reader, root, match.listener.id, kind, name);
    if (!shard) return false;
    const std::optional<table::Entry> entry = search.find(*shard);
    if (!entry) return false;
    const auto action = reader.read<table::Action>(entry->action);
    if (!action) {
      entries.note_broken();
      return false;
    }
    match.outcome = Outcome::kMatched;
    match.shard = *shard;
    match.entry = *entry;
    match.action = *action;
    return true;
  });
}

}  // namespace

Match find_rule(const Reader& reader, const GroupKey& key, const RequestView& request,
                LookupContext& context, Trace* trace) {
  Match match;
  const std::optional<table::Root> root = reader.read<table::Root>(reader.root());
  if (!root) {
    if (!reader.empty()) match.outcome = Outcome::kBroken;
    return match;
  }
  const std::optional<Group> group = find_group(reader, *root, key);
  if (!group) return match;
  const bool usual_host = request.host.size() <= table::kMaxHostBytes;
  const std::optional<Listener> listener =
      usual_host ? find_listener(reader, *root, *group, request.host) : std::nullopt;
  if (!listener) {
    match.outcome = Outcome::kNoListener;
    return match;
  }
  match.listener = *listener;
  match.outcome = Outcome::kNoRule;
  if (trace != nullptr) trace->listener(reader, *listener);
  if (request.path.size() > table::kMaxPathBytes) return match;

  context.facts.begin(request);
  EntryMatcher entries(reader, root->hash_seed, request, context, trace);
  ShardSearch search(reader, root->hash_seed, request.path, entries, context, trace);
  find_in_shards(reader, *root, request, entries, search, match);
  if (match.outcome == Outcome::kNoRule && entries.broken()) match.outcome = Outcome::kBroken;
  return match;
}

}  // namespace sluice::match

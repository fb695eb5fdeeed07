#include "shared/match/matcher.h"

#include <algorithm>
#include <cstring>
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

// Finds the record that `is_wanted` in a Tab and copies it to `out`, which holds anything when
// there is none.
template <class Record, class IsWanted>
bool find_record(const Reader& reader, const Tab& tab, std::uint64_t hash, Record& out,
                 IsWanted&& is_wanted) {
  return table::find_in_tab(reader, tab, hash, [&](Offset offset) {
    const std::byte* from = reader.bytes_at(offset, 0, sizeof(Record));
    if (from == nullptr) return false;
    out = Reader::copy<Record>(from);
    return is_wanted();
  });
}

bool find_socket_group(const Reader& reader, const table::Root& root, const table::SocketKey& key,
                       Group& out) {
  const std::span<const std::uint8_t, 16> address(key.address);
  const std::uint64_t hash =
      table::socket_key_hash(root.hash_seed, key.transport, key.family, key.port, address);
  return find_record(reader, root.sockets, hash, out, [&] {
    return out.kind == table::GroupKind::kSocket && out.family == key.family &&
           out.port == key.port && out.transport == key.transport &&
           std::memcmp(out.address, address.data(), address.size()) == 0;
  });
}

bool find_group(const Reader& reader, const table::Root& root, const GroupKey& key, Group& out) {
  if (key.named) {
    const std::uint64_t hash = table::named_key_hash(root.hash_seed, key.gateway, key.port);
    return find_record(reader, root.named, hash, out, [&] {
      return out.kind == table::GroupKind::kNamed && out.port == key.port &&
             reader.text(out.name, 0, out.name_bytes) == key.gateway;
    });
  }
  const table::SocketKey unspecified{key.socket.family, key.socket.port, {}, key.socket.transport};
  return find_socket_group(reader, root, key.socket, out) ||
         find_socket_group(reader, root, unspecified, out);
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

bool find_in_group(const Reader& reader, const table::Root& root, const Group& group,
                   std::string_view host, Listener& out) {
  return probe_hostnames(group, host, [&](HostKind kind, std::string_view name) {
    const std::uint64_t hash = table::listener_key_hash(root.hash_seed, group.id, kind, name);
    return find_record(reader, root.listeners, hash, out, [&] {
      return out.group == group.id && has_hostname(reader, out, kind, name);
    });
  });
}

bool find_shard(const Reader& reader, const table::Root& root, std::uint32_t listener,
                HostKind kind, std::string_view name, Shard& out) {
  const std::uint64_t hash = table::shard_key_hash(root.hash_seed, listener, kind, name);
  return find_record(reader, root.shards, hash, out, [&] {
    return out.listener == listener && has_hostname(reader, out, kind, name);
  });
}

void find_in_shards(const Reader& reader, const table::Root& root, const RequestView& request,
                    EntryMatcher& entries, ShardSearch& search, Match& match) {
  probe_hostnames(match.listener, request.host, [&](HostKind kind, std::string_view name) {
    if (!find_shard(reader, root, match.listener.id, kind, name, match.shard)) return false;
    const std::optional<table::Entry> entry = search.find(match.shard);
    if (!entry) return false;
    const auto action = reader.read<table::Action>(entry->action);
    if (!action) {
      entries.note_broken();
      return false;
    }
    match.outcome = Outcome::kMatched;
    match.entry = *entry;
    match.action = *action;
    match.prefix_bytes = search.prefix_bytes();
    return true;
  });
}

// Whether the listener's rules are for requests, or for connections.
enum class Purpose : std::uint8_t { kRequest, kRelay };

Match find_match(const Reader& reader, const GroupKey& key, const RequestView& request,
                 Purpose purpose, LookupContext& context, Trace* trace) {
  Match match;
  const std::optional<table::Root> root = reader.read<table::Root>(reader.root());
  if (!root) {
    if (!reader.empty()) match.outcome = Outcome::kBroken;
    return match;
  }
  Group group;
  if (!find_group(reader, *root, key, group)) return match;
  match.outcome = Outcome::kNoListener;
  if (request.host.size() > table::kMaxHostBytes) return match;
  if (!find_in_group(reader, *root, group, request.host, match.listener)) return match;
  const bool is_http = match.listener.mode == table::ListenerMode::kHttp;
  if (purpose == Purpose::kRequest && !is_http) return match;
  match.outcome = Outcome::kNoRule;
  if (trace != nullptr) trace->listener(reader, match.listener);
  if (purpose == Purpose::kRelay && is_http) return match;
  if (request.path.size() > table::kMaxPathBytes) return match;

  context.facts.begin(request);
  EntryMatcher entries(reader, root->hash_seed, request, context, trace);
  ShardSearch search(reader, root->hash_seed, request.path, entries, context, trace);
  find_in_shards(reader, *root, request, entries, search, match);
  if (match.outcome == Outcome::kNoRule && entries.broken()) match.outcome = Outcome::kBroken;
  return match;
}

}  // namespace

Match find_rule(const Reader& reader, const GroupKey& key, const RequestView& request,
                LookupContext& context, Trace* trace) {
  return find_match(reader, key, request, Purpose::kRequest, context, trace);
}

Match find_relay_rule(const Reader& reader, const GroupKey& key, std::string_view server_name,
                      LookupContext& context, Trace* trace) {
  RequestView connection;
  connection.host = server_name;
  connection.path = "/";
  return find_match(reader, key, connection, Purpose::kRelay, context, trace);
}

bool find_listener(const Reader& reader, const GroupKey& key, std::string_view host,
                   Listener& out) {
  const std::optional<table::Root> root = reader.read<table::Root>(reader.root());
  Group group;
  if (!root || host.size() > table::kMaxHostBytes || !find_group(reader, *root, key, group)) {
    return false;
  }
  return find_in_group(reader, *root, group, host, out);
}

bool find_group(const Reader& reader, const GroupKey& key, table::Group& out) {
  const std::optional<table::Root> root = reader.read<table::Root>(reader.root());
  return root && find_group(reader, *root, key, out);
}

}  // namespace sluice::match

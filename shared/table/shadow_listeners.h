// The listeners and the groups in which they compete, on the heap and as they are written.
//
// A listener is in the group of each of its sockets. One that has a hostname, or could have (not of
// kTcp and kUdp), is also in the named group (Gateway, its port) and, when all of them in its
// Gateway have one port, in the named group (Gateway, 0). In a group each hostname belongs to one
// listener; of several (the caller should not let that happen) the first by Gateway and name has
// it.
//
// Process: controller.   Thread: event loop.   Tested by: test/unit/shared/table/editor_test.cc,
// test/property/editor_rebuild_test.cc
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "shared/arena/counter_ref.h"
#include "shared/table/editor.h"
#include "shared/table/kind_counts.h"
#include "shared/table/rules.h"
#include "shared/table/tab_writer.h"
#include "shared/table/transaction.h"

namespace sluice::table {

class EndpointTable;

struct GroupName {
  GroupKind kind = GroupKind::kSocket;
  SocketKey socket;        // kSocket
  std::string gateway;     // kNamed
  std::uint16_t port = 0;  // kNamed
  auto operator<=>(const GroupName&) const = default;
};

class ShadowListeners {
 public:
  void put(const ListenerSpec& spec);
  void remove(std::uint32_t id);

  // A route hostname gets its first rule on this listener, or loses its last one. The listener may
  // be put later.
  void add_host(std::uint32_t id, const Host& host);
  void remove_host(std::uint32_t id, const Host& host);

  bool marked() const { return !marked_groups_.empty(); }

  // Writes the marked groups and their listeners (all of them when the transaction moves). Fails:
  // in the transaction; then the marks stay.
  void write(Transaction& tx, EndpointTable& endpoints, std::uint64_t seed);
  // After the root was published.
  void settle(EndpointTable& endpoints);

  const TabSlot& sockets() const { return socket_tab_; }

  const TabSlot& named() const { return named_tab_; }

  const TabSlot& listeners() const { return listener_tab_; }

 private:
  struct ShadowListener {
    bool is_put = false;  // else only its hosts are known so far
    ListenerSpec spec;
    HostCounts hosts;
  };

  struct Rank {
    std::string gateway;
    std::string name;
    std::uint32_t id = 0;
    auto operator<=>(const Rank&) const = default;
  };

  struct Place {  // of one hostname in a group
    std::set<Rank> listeners;
    Slot slot;
  };

  struct ShadowGroup {
    std::uint32_t id = 0;
    HostCounts hosts;
    // How many of its listeners say so.
    std::uint32_t tls = 0;
    std::uint32_t proxy_protocol = 0;
    std::uint32_t raw_tcp = 0;
    std::uint32_t server_names = 0;
    std::map<Host, Place> places;
    std::set<Host> marked;
    bool record_marked = true;
    arena::CounterRef counter;  // none: of no socket, or not written yet
    Slot slot;
  };

  using Groups = std::map<GroupName, ShadowGroup>;

  struct Writing {
    Transaction& tx;
    EndpointTable& endpoints;
    std::uint64_t seed;
    std::vector<TabChange> sockets;
    std::vector<TabChange> named;
    std::vector<TabChange> listeners;
  };

  // The listener comes to the group or leaves it.
  void note_member(ShadowGroup& group, const ListenerSpec& spec, bool joins);
  static Blob write_group_record(Writing& writing, const GroupName& name, ShadowGroup& group);
  void join(const GroupName& name, const ListenerSpec& spec);
  void leave(const GroupName& name, const ListenerSpec& spec);
  void leave_all(const ListenerSpec& spec);
  void leave_only_port(const std::string& gateway);
  void join_only_port(const std::string& gateway);
  void mark_everywhere(std::uint32_t id);
  void write_group(Writing& writing, Groups::value_type& named);
  void write_place(Writing& writing, ShadowGroup& group, const Host& host);
  Blob write_listener(Transaction& tx, std::uint32_t group, std::uint32_t id) const;
  std::vector<TabKey> group_keys(const Transaction& tx, std::uint64_t seed, GroupKind kind) const;
  std::vector<TabKey> listener_keys(const Transaction& tx, std::uint64_t seed) const;

  std::map<std::uint32_t, ShadowListener> listeners_;
  std::map<std::string, std::set<std::uint32_t>> gateways_;  // listeners in named groups
  std::set<std::string> only_port_;  // Gateways that have a group (Gateway, 0)
  Groups groups_;
  std::set<GroupName> marked_groups_;
  std::uint32_t next_group_ = 1;
  TabSlot socket_tab_;
  TabSlot named_tab_;
  TabSlot listener_tab_;
};

}  // namespace sluice::table

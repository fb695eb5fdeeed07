// Which Gateway has which addresses of the pool.
//
// An address has one owner. Of those who ask for it by its value, and the one to whom the pool gave
// it before, the oldest Gateway gets it. A Gateway that takes what the pool gives keeps it as long
// as it is there and nobody older asks for it; a new one gets the address that was free for
// longest.
//
// What is given is not derived from the objects alone, so somebody has to keep a record of it: the
// statuses of the Gateways (adopt()).
//
// Process: controller.   Thread: one.   Cost of settle(): every Gateway with an address.
// Tested by: test/unit/controller/resolve/address_book_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/gateway.h"
#include "controller/resolve/address_pool.h"
#include "controller/resolve/finding.h"

namespace sluice::resolve {

inline constexpr std::string_view kClusterRoutability = "Cluster";

// Whether an address of the pool is what is asked for. "testing.x-k8s.io/sentinel" is reserved for
// tests of conformance and means nothing.
bool is_of_the_pool(const model::GatewayAddress& address);

// What one Gateway gets.
struct AddressGrant {
  std::vector<AddressFinding> addresses;  // in the order of spec.addresses
  std::vector<std::string> listens_at;    // these, or one that its cluster IPs lead to
  std::vector<std::string> unusable;      // "192.0.2.1 is not in the pool 10.0.0.0/24"
  std::vector<std::string> missing;       // "no IPv4 address is left in the pool 10.0.0.0/24"
  bool operator==(const AddressGrant&) const = default;
};

class AddressBook {
 public:
  explicit AddressBook(const std::vector<http::IpNetwork>& networks) : pool_(networks) {}

  // False: addresses are no business of this book.
  bool in_use() const { return !pool_.empty(); }

  // What a record says that the Gateway has. The next settle() goes on from there.
  void adopt(const model::ObjectName& gateway, const std::vector<std::string>& addresses);

  // What the Gateway asks for. One with an address of an unsupported type gets nothing.
  void put(const model::Gateway& gateway);
  void remove(const model::ObjectName& gateway);

  // Works out who gets what. Returns the Gateways for which that is something else now.
  std::set<model::ObjectName> settle();

  // None: put() does not know it.
  const AddressGrant* find(const model::ObjectName& gateway) const;

 private:
  // Smaller is older.
  struct Age {
    std::int64_t created = 0;
    model::ObjectName name;
    auto operator<=>(const Age&) const = default;
  };

  // A value that is asked for, or one of a family.
  struct Wish {
    std::optional<http::IpAddress> value;
    bool ipv6 = false;
    std::string routability = {};
    bool shown = true;
    bool operator==(const Wish&) const = default;
  };

  struct Entry {
    Age age;
    std::vector<Wish> wishes;
    AddressGrant grant = {};
  };

  using Given = std::vector<std::optional<http::IpAddress>>;  // for each wish

  std::vector<Wish> wishes_of(const model::Gateway& gateway) const;
  Given keep(const Entry& entry, TakenAddresses& taken) const;
  void add_new(const Entry& entry, TakenAddresses& taken, Given& given);
  static std::vector<http::IpAddress> held_of(const Entry& entry, const Given& given);
  AddressGrant grant_of(const Entry& entry, const Given& given, const TakenAddresses& taken) const;

  AddressPool pool_;
  std::map<model::ObjectName, Entry> gateways_;
  std::map<model::ObjectName, std::vector<http::IpAddress>> held_;
  std::map<bool, http::IpAddress> newest_;  // given last, by family
  bool changed_ = false;
};

}  // namespace sluice::resolve

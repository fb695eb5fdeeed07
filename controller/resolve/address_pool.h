// The addresses that may be given to Gateways: networks that the operator names.
//
// Of an IPv4 network that has them, the network's own address and the broadcast address are left
// out; of an IPv6 network the first, which means all routers of it.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/resolve/address_pool_test.cc
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"
#include "shared/http/ip_network.h"

namespace sluice::resolve {

// Who holds an address.
using TakenAddresses = std::map<http::IpAddress, model::ObjectName>;

class AddressPool {
 public:
  explicit AddressPool(const std::vector<http::IpNetwork>& networks);

  bool empty() const { return ranges_.empty(); }

  bool contains(const http::IpAddress& address) const;

  // Whether addresses of IPv6: of each family there is, in the order in which they were named.
  const std::vector<bool>& families() const { return families_; }

  // The first that nobody has behind `after`, going round; none when all are taken.
  std::optional<http::IpAddress> next_free(bool ipv6, const TakenAddresses& taken,
                                           const std::optional<http::IpAddress>& after) const;

  std::string text(bool ipv6) const;  // "10.0.0.0/24, 10.1.0.0/24"

 private:
  struct Range {
    http::IpNetwork network;
    http::IpAddress first;
    http::IpAddress last;
  };

  std::vector<Range> ranges_of(bool ipv6) const;

  std::vector<Range> ranges_;
  std::vector<bool> families_;
};

}  // namespace sluice::resolve

// Networks as the table holds them, made values.
// Process: nginx worker, sluicectl.   Allocates: nothing.   Tested by:
// test/unit/shared/table/listener_options_test.cc
#pragma once

#include <algorithm>
#include <iterator>

#include "shared/http/ip_network.h"
#include "shared/table/format.h"

namespace sluice::table {

inline http::IpNetwork to_ip_network(const Network& network) {
  http::IpNetwork value;
  value.address.ipv6 = network.family == Family::kIpv6;
  value.prefix_bits = network.prefix_bits;
  std::copy(std::begin(network.address), std::end(network.address), value.address.bytes.begin());
  return value;
}

}  // namespace sluice::table

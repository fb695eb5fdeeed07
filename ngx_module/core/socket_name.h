// A listening socket as the keeper protocol names it: "tcp/ADDRESS:PORT" or "tcp/[ADDRESS]:PORT".
//
// Process: nginx worker and master.   Allocates: nothing.   Fails: none for what is no TCP socket.
// Tested by: test/unit/ngx_module/core/socket_name_test.cc
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string_view>

#include "shared/table/editor.h"

namespace sluice::core {

// The key of an address; IPv4 that came through an IPv6 socket counts as IPv4.
std::optional<table::SocketKey> socket_key(const sockaddr* address);

// Fills `address` for the key and returns its length; 0 for a Unix socket.
socklen_t to_sockaddr(const table::SocketKey& key, sockaddr_storage& address);

struct SocketName {
  char bytes[80];
  std::size_t size = 0;

  std::string_view text() const { return {bytes, size}; }
};

SocketName socket_name(const table::SocketKey& key);

}  // namespace sluice::core

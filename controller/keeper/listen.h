// Listening sockets as the keeper makes them and recognises them.
//
// Process: controller.   Thread: event loop.   Tested by:
// test/unit/controller/keeper/listen_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controller/resolve/delta.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

// One socket of the kernel. A TCP address has one, which all workers share; a UDP address has one
// for each worker, among which the kernel spreads the clients.
struct Port {
  resolve::Socket socket;
  std::uint32_t share = 0;  // of UDP
  auto operator<=>(const Port&) const = default;
};

// The name of a port in the keeper's messages: "tcp/0.0.0.0:8080", "tcp/[::]:8080",
// "udp/0.0.0.0:5300/2".
std::string wire_name(const Port& port);
std::optional<Port> parse_wire_name(std::string_view text);

// Whether addresses that this machine does not have, or not yet, can be listened on.
enum class Binding { kOwnAddresses, kAnyAddress };

// Binds and, for TCP, listens, with SO_REUSEADDR and SO_REUSEPORT; IPv6 is V6ONLY. The error is for
// people. REQUIRES: nobody else listens there (listening_sockets): binding would succeed beside a
// socket of the same user, and both would get half of the clients.
Result<UniqueFd> open_listening(const resolve::Socket& socket,
                                Binding binding = Binding::kOwnAddresses);

// The local address of a listening TCP socket, or of a UDP socket; none for any other descriptor.
std::optional<resolve::Socket> listening_address(int fd);

// How many sockets this network namespace has at an address, whoever holds them: TCP sockets in
// LISTEN state, or UDP sockets that are not connected.
std::map<resolve::Socket, std::size_t> listening_sockets(resolve::Transport transport);

// A socket that the wildcard address of the same transport, family and port serves too.
bool covers(const resolve::Socket& wider, const resolve::Socket& socket);

}  // namespace sluice::keeper

// Listening sockets as the keeper makes them and recognises them.
//
// Process: controller.   Thread: event loop.   Tested by:
// test/unit/controller/keeper/listen_test.cc
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "controller/resolve/delta.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

// The name of a socket in the keeper's messages: "tcp/0.0.0.0:8080", "tcp/[::]:8080".
std::string wire_name(const resolve::Socket& socket);
std::optional<resolve::Socket> parse_wire_name(std::string_view text);

// Whether addresses that this machine does not have, or not yet, can be listened on.
enum class Binding { kOwnAddresses, kAnyAddress };

// Binds and listens with SO_REUSEADDR and SO_REUSEPORT; IPv6 is V6ONLY. The error is for people.
// REQUIRES: nobody else listens there (sockets_in_listen_state): binding would succeed beside a
// socket of the same user, and both would get half of the connections.
Result<UniqueFd> open_listening(const resolve::Socket& socket,
                                Binding binding = Binding::kOwnAddresses);

// The local address of a listening TCP socket; none for any other descriptor.
std::optional<resolve::Socket> listening_address(int fd);

// Whether both descriptors are the same socket of the kernel.
bool same_socket(int left, int right);

// Every TCP socket of this network namespace that is in LISTEN state, whoever holds it.
std::set<resolve::Socket> sockets_in_listen_state();

// A socket that the wildcard address of the same family and port serves too.
bool covers(const resolve::Socket& wider, const resolve::Socket& socket);

}  // namespace sluice::keeper

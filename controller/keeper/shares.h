// Which worker reads which share of a UDP address.
//
// A share is read by one worker alone: its sessions live there, and it changes hands only when the
// old reader has said that it reads no more, or was silent for too long. One without a worker goes
// to the worker that has the fewest; a worker without any gets the newest one of a worker that has
// several. While an nginx starts, a worker gets one alone: the others are on their way, and what
// comes for theirs waits in the sockets.
// While a reload goes on, an nginx has more workers than it is to have: the new ones get
// everything, before the old ones begin to exit and nginx's proxy stops to send to UDP clients.
//
// Process: controller.   Pure but for what it marks in the workers.
// Tested by: test/unit/controller/keeper/keeper_udp_test.cc, test/property/udp_shares_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "controller/keeper/listen.h"
#include "controller/keeper/worker.h"

namespace sluice::keeper {

using Connections = std::map<int, Worker>;  // by descriptor

// Instances of nginx whose workers are waited for, and until when.
using Starting = std::map<std::string, std::uint64_t>;

bool is_shared(const Port& port);

// Among how many workers clients are spread: those of all nginx instances, also the ones that are
// not here yet.
std::uint32_t expected_workers(const Connections& connections);

// Somebody reads it, or may still do so.
bool has_reader(const Connections& connections, const Port& port);

// Ends the waits that are over, and those for instances that are complete.
void end_starts(Starting& starting, const Connections& connections, std::uint64_t now_ms);

// None: it has one, or nobody can take it now. `at_start`: some nginx starts.
Worker* next_reader(Connections& connections, const Port& port, bool at_start);

// Marks shares that are to change hands as to be dropped.
void level_shares(Connections& connections, const resolve::Socket& socket);

// No share of `count` is about to change hands, for the workers that are here; those that are
// silent are not asked.
bool shares_are_level(const Connections& connections, const resolve::Socket& socket,
                      std::size_t count);

}  // namespace sluice::keeper

// Which worker reads which share of a UDP address.
//
// A share is read by one worker alone: its sessions live there, and it changes hands only when the
// old reader has said that it reads no more, or was silent for too long. One without a worker goes
// to the worker that has the fewest; a worker without any gets one of a worker that has several.
// While a reload goes on, an nginx has more workers than it is to have: the new ones get
// everything, before the old ones begin to exit and nginx's proxy stops to send to UDP clients.
//
// Process: controller.   Pure but for what it marks in the workers.
// Tested by: test/unit/controller/keeper/keeper_udp_test.cc, test/property/udp_shares_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "controller/keeper/listen.h"
#include "controller/keeper/worker.h"

namespace sluice::keeper {

using Connections = std::map<int, Worker>;  // by descriptor

bool is_shared(const Port& port);

// Among how many workers clients are spread: those of all nginx instances, also the ones that are
// not here yet.
std::uint32_t expected_workers(const Connections& connections);

// Somebody reads it, or may still do so.
bool has_reader(const Connections& connections, const Port& port);

// None: it has one, or nobody can take it now.
Worker* next_reader(Connections& connections, const Port& port);

// Marks shares that are to change hands as to be dropped.
void level_shares(Connections& connections, const resolve::Socket& socket);

// No share of `count` is about to change hands, for the workers that are here; those that are
// silent are not asked.
bool shares_are_level(const Connections& connections, const resolve::Socket& socket,
                      std::size_t count);

}  // namespace sluice::keeper

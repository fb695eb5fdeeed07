// What workers count of listening sockets and of the routes of connections and sessions, in lines
// of the file `counters`. The controller shows it (controller/doc/control.md).
//
// A line is found by the table's word for it (line, incarnation); where it is another one's by now,
// nothing is counted.
//
// Process: nginx worker.   Thread: event loop; other workers add to the same lines (relaxed
// atomics).   Allocates: nothing.
// Tested by: test/e2e/test_stream_counters.py
#pragma once

#include <cstdint>

#include "shared/arena/counter_ref.h"
#include "shared/table/format.h"

namespace sluice::listen {

enum class SocketEvent : std::uint8_t {
  kAccepted,
  kTooSlow,    // the first bytes did not come in time, or the connection was needed for others
  kMalformed,  // the first bytes are none of this listener's protocol
  kNoRoute,
};

// `group`: what the table says of the socket.
void count(const table::Group& group, SocketEvent event);

// One connection in the counts of its route. Lifetime: the connection's, whose end calls end().
class RouteCount {
 public:
  // It is running from now on. Any counter but none, once.
  void begin(arena::CounterRef counter);
  // An endpoint has it.
  void relayed();
  void add_bytes(std::uint64_t from_clients, std::uint64_t to_clients) const;
  // What no endpoint had was refused. Without begin(): nothing.
  void end();

 private:
  arena::CounterRef counter_;
  std::uint64_t counted_in_ = 0;  // Worker::table_serial()
  bool active_ = false;           // in the shared active count
  bool relayed_ = false;
};

}  // namespace sluice::listen

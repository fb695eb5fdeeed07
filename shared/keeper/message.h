// What a worker and the controller say to each other over the keeper connection (SOCK_SEQPACKET,
// STATE/keeper.sock).
//
// One packet is one message of at most kMaxMessageBytes: "verb key=value key=value", values
// percent-encoded; at most one descriptor travels with it (SCM_RIGHTS). Unknown verbs and keys are
// ignored, so that either side may be newer.
//
//   worker:
//     hello version= instance= pid= slot= workers= listeners=on|off
//                               first message (workers: of its nginx); then, for everything it
//                               holds:
//     static socket=            a listen of nginx.conf whose server has sluice_pass; the keeper
//                               never opens it
//     have socket= +fd          a Sluice listener that it serves already
//     ready                     end of the greeting
//     ack generation=           adopted; sent once per generation, newest only
//     warm patterns=            has compiled the pattern list of that generation
//     opened socket=            serves the listener now
//     failed socket= error=     could not; text for people
//     dropped socket=           of UDP: reads it no more; nobody is given it before
//   controller:
//     give socket= +fd          serve this listener
//     drop socket=              drain and close it
//     secrets +fd               read certificates here from now on; comes before any give
//     generation generation=    wake-up: adopt and acknowledge
//
// A worker that begins to exit closes its connection: it is waited for no more, and serves what it
// holds to the end.
//
// socket: "tcp/ADDRESS:PORT", "tcp/[ADDRESS]:PORT", or "udp/ADDRESS:PORT/SHARE" of the sockets that
// share a UDP address.
//
// Process: both.   Never blocks.   Tested by: test/unit/shared/keeper/message_test.cc
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

inline constexpr std::size_t kMaxMessageBytes = 1024;

struct Message {
  std::string verb;  // verbs and keys: lower-case letters and '_'
  std::vector<std::pair<std::string, std::string>> values;
  UniqueFd fd;

  std::string_view value(std::string_view key) const;  // "" when absent
};

std::string encode(const Message& message);
Result<Message> decode(std::string_view packet);

// Sends without blocking. Fails with kUnavailable when the peer's queue is full or it is gone, with
// kInvalid when the message is too long.
Result<void> send(int connection, const Message& message, int fd = -1);

enum class Received { kMessage, kNothing, kClosed };
// Reads the next packet that can be decoded; others are skipped. kNothing when none waits.
Received receive(int connection, Message& message);

}  // namespace sluice::keeper

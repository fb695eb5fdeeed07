// A packet of the keeper connection: what it says can be said again, and one that says nothing is
// skipped.
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "shared/base/unique_fd.h"
#include "shared/keeper/message.h"

namespace {

using sluice::UniqueFd;
using sluice::keeper::Message;
using sluice::keeper::Received;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_repeated(const Message& message, std::size_t bytes) {
  const std::string packet = encode(message);
  require(packet.size() <= bytes);
  const auto again = sluice::keeper::decode(packet);
  require(again && again->verb == message.verb && again->values == message.values);
}

// Over a connection, before a message that is good.
void check_received(std::string_view packet, bool says_something) {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd peer(ends[0]);
  const UniqueFd own(ends[1]);
  require(::send(peer.get(), packet.data(), packet.size(), 0) ==
          static_cast<ssize_t>(packet.size()));
  Message ready;
  ready.verb = "ready";
  require(send(peer.get(), ready).has_value());
  Message heard;
  if (says_something) {
    require(receive(own.get(), heard) == Received::kMessage);
    require(!heard.fd);
  }
  require(receive(own.get(), heard) == Received::kMessage && heard.verb == "ready");
  require(receive(own.get(), heard) == Received::kNothing);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;  // of a connection: its end
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  const auto message = sluice::keeper::decode(packet);
  require(!message || size <= sluice::keeper::kMaxMessageBytes);
  if (message) check_repeated(*message, size);
  check_received(packet, message.has_value());
  return 0;
}

#include "ngx_module/core/client_hello.h"

#include <algorithm>
#include <optional>

#include "ngx_module/core/server_name.h"

namespace sluice::core {

namespace {

constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kMajorVersion = 3;
constexpr unsigned char kClientHelloMessage = 1;
constexpr std::size_t kMaxRecord = 16384;
constexpr std::size_t kRecordHead = 5;   // type, version, length
constexpr std::size_t kMessageHead = 4;  // type, length
constexpr std::size_t kVersionAndRandom = 34;
constexpr std::size_t kServerNameExtension = 0;

// Takes fields off the front of a message.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> take(std::size_t bytes) {
    if (bytes > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::optional<std::size_t> number(std::size_t bytes) {
    const auto digits = take(bytes);
    if (!digits) return std::nullopt;
    std::size_t value = 0;
    for (const char digit : *digits)
      value = value << 8 | static_cast<unsigned char>(digit);
    return value;
  }

  // A field that says its length first, in that many bytes.
  std::optional<std::string_view> vector(std::size_t length_bytes) {
    const auto length = number(length_bytes);
    return length ? take(*length) : std::nullopt;
  }

  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// What the records carry, put together as far as it is there.
struct Message {
  ClientHello::Status status = ClientHello::Status::kUndecided;
  std::array<char, kMaxClientHello> bytes;
  std::size_t size = 0;
};

// A message that ends is whole; what stands behind it is not ours.
void settle(Message& message) {
  using enum ClientHello::Status;
  if (message.size > 0 && static_cast<unsigned char>(message.bytes[0]) != kClientHelloMessage) {
    message.status = kMalformed;
  }
  if (message.size < kMessageHead) return;
  Fields head({message.bytes.data() + 1, kMessageHead - 1});
  const std::size_t wanted = kMessageHead + head.number(kMessageHead - 1).value_or(0);
  if (wanted > kMaxClientHello) message.status = kMalformed;
  if (message.status == kUndecided && message.size >= wanted) {
    message.size = wanted;
    message.status = kWhole;
  }
}

void read_records(std::string_view first, Message& message) {
  using enum ClientHello::Status;
  while (message.status == kUndecided && !first.empty()) {
    const auto byte = [first](std::size_t i) { return static_cast<unsigned char>(first[i]); };
    if (byte(0) != kHandshakeRecord || (first.size() > 1 && byte(1) != kMajorVersion)) {
      message.status = kMalformed;
      return;
    }
    if (first.size() < kRecordHead) return;
    const std::size_t record = static_cast<std::size_t>(byte(3)) << 8 | byte(4);
    if (record == 0 || record > kMaxRecord) {
      message.status = kMalformed;
      return;
    }
    first.remove_prefix(kRecordHead);
    const std::size_t there = std::min(record, first.size());
    const std::size_t taken = std::min(there, message.bytes.size() - message.size);
    std::copy_n(first.begin(), taken, message.bytes.data() + message.size);
    message.size += taken;
    settle(message);
    first.remove_prefix(there);
  }
}

// None: the fields do not fit.
std::optional<std::string_view> find_server_name(std::string_view hello,
                                                 std::array<char, http::kMaxHostBytes>& buffer) {
  Fields fields(hello);
  const bool fits = fields.take(kVersionAndRandom) && fields.vector(1)  // session id
                    && fields.vector(2)                                 // cipher suites
                    && fields.vector(1);                                // compression methods
  if (!fits) return std::nullopt;
  if (fields.empty()) return std::string_view{};  // a client without extensions
  const auto extensions = fields.vector(2);
  if (!extensions || !fields.empty()) return std::nullopt;
  Fields each(*extensions);
  std::string_view name;
  bool found = false;
  while (!each.empty()) {
    const auto type = each.number(2);
    const auto body = each.vector(2);
    if (!type || !body) return std::nullopt;
    if (*type != kServerNameExtension) continue;
    if (found) return std::nullopt;  // OpenSSL refuses it too
    found = true;
    name = server_name(*body, buffer);
  }
  return name;
}

}  // namespace

ClientHello read_client_hello(std::string_view first,
                              std::array<char, http::kMaxHostBytes>& buffer) {
  using enum ClientHello::Status;
  Message message;
  read_records(first, message);
  ClientHello hello{message.status, {}};
  if (hello.status == kUndecided && first.size() >= kMaxClientHello) hello.status = kMalformed;
  if (hello.status != kWhole) return hello;
  const std::string_view body(message.bytes.data() + kMessageHead, message.size - kMessageHead);
  const auto name = find_server_name(body, buffer);
  if (!name) return {kMalformed, {}};
  hello.server_name = *name;
  return hello;
}

}  // namespace sluice::core

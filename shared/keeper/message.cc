#include "shared/keeper/message.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::keeper {
namespace {

constexpr int kMaxDescriptors = 4;  // of one packet that are looked at; the kernel drops the rest
constexpr int kMaxSkipped = 64;     // undecodable packets in a row before the caller gets a turn
constexpr char kHex[] = "0123456789ABCDEF";

bool is_plain(unsigned char c) {
  return c > ' ' && c < 0x7f && c != '%';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_word(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    if ((c < 'a' || c > 'z') && c != '_') return false;
  }
  return true;
}

void append_escaped(std::string& out, std::string_view value) {
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(byte)) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

bool unescape(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const char c = text.front();
    if (c != '%') {
      if (!is_plain(static_cast<unsigned char>(c))) return false;
      out += c;
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return false;
    const int high = hex_digit(text[1]);
    const int low = hex_digit(text[2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    text.remove_prefix(3);
  }
  return true;
}

// Cuts the text up to the next space off `rest`.
std::string_view next_word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  std::string_view word(rest.data(), end == std::string_view::npos ? rest.size() : end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

// Keeps the first descriptor of the packet and closes the others: a peer must not be able to fill
// this process with descriptors that nobody owns.
UniqueFd take_descriptor(msghdr& header) {
  UniqueFd first;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      UniqueFd owned(fd);
      if (!first) first = std::move(owned);
    }
  }
  return first;
}

}  // namespace

std::string_view Message::value(std::string_view key) const {
  for (const auto& [name, text] : values) {
    if (name == key) return text;
  }
  return {};
}

std::string encode(const Message& message) {
  std::string packet = message.verb;
  for (const auto& [name, text] : message.values) {
    packet += ' ';
    packet += name;
    packet += '=';
    append_escaped(packet, text);
  }
  return packet;
}

Result<Message> decode(std::string_view packet) {
  if (packet.size() > kMaxMessageBytes) return fail(Errc::kInvalid, "keeper message is too long");
  Message message;
  message.verb = next_word(packet);
  if (!is_word(message.verb)) return fail(Errc::kInvalid, "keeper message without a verb");
  while (!packet.empty()) {
    std::string_view word = next_word(packet);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals == std::string_view::npos ? 0 : equals);
    if (!is_word(name)) return fail(Errc::kInvalid, "keeper message with a value without a key");
    word.remove_prefix(equals + 1);
    std::string text;
    if (!unescape(word, text)) return fail(Errc::kInvalid, "keeper message with a bad escape");
    message.values.emplace_back(name, std::move(text));
  }
  return message;
}

Result<void> send(int connection, const Message& message, int fd) {
  std::string packet = encode(message);
  if (packet.size() > kMaxMessageBytes) return fail(Errc::kInvalid, "keeper message is too long");
  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fd, sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(connection, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
      return fail(Errc::kUnavailable, std::string("sending '") + message.verb +
                                          "' over the keeper connection: " + std::strerror(errno));
    default:
      return fail_errno("sending over the keeper connection");
  }
}

Received receive(int connection, Message& message) {
  for (int skipped = 0; skipped < kMaxSkipped; ++skipped) {
    std::array<char, kMaxMessageBytes> buffer;
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control;
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t got = 0;
    do {
      got = ::recvmsg(connection, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      return errno == EAGAIN ? Received::kNothing : Received::kClosed;
    }
    UniqueFd fd = take_descriptor(header);
    if (got == 0) return Received::kClosed;
    if ((header.msg_flags & MSG_TRUNC) != 0) continue;
    Result<Message> decoded = decode({buffer.data(), static_cast<std::size_t>(got)});
    if (!decoded) continue;
    message = std::move(*decoded);
    message.fd = std::move(fd);
    return Received::kMessage;
  }
  return Received::kNothing;
}

}  // namespace sluice::keeper

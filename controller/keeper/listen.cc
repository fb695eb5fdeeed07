#include "controller/keeper/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace sluice::keeper {
namespace {

constexpr int kBacklog = 511;  // what nginx uses
constexpr std::string_view kTcp = "tcp/";
constexpr std::string_view kUdp = "udp/";
constexpr std::string_view kListenState = "0A";       // TCP_LISTEN in /proc/net/tcp
constexpr std::string_view kUnconnectedState = "07";  // in /proc/net/udp
constexpr std::uint16_t kFirstUnprivilegedPort = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<SocketAddress> to_sockaddr(const resolve::Socket& socket) {
  SocketAddress result;
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, socket.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(socket.port);
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.bytes = sizeof(v4);
    return result;
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, socket.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(socket.port);
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.bytes = sizeof(v6);
    return result;
  }
  return std::nullopt;
}

std::string address_text(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, address, text.data(), text.size()) == nullptr ? "" : text.data();
}

// What errno means for whoever wrote the Gateway.
std::string meaning(int error, const resolve::Socket& socket) {
  switch (error) {
    case EACCES:
    case EPERM:
      return socket.port < kFirstUnprivilegedPort
                 ? "permission denied: ports below 1024 need root or --port-offset"
                 : "permission denied";
    case EADDRINUSE:
      return "address already in use by another program or user";
    case EADDRNOTAVAIL:
      return fmt::format("this machine has no address {}", socket.address);
    case EAFNOSUPPORT:
      return "this machine has no IPv6";
    case EMFILE:
    case ENFILE:
      return "too many open files";
    default:
      return std::strerror(error);
  }
}

bool turn_on(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

std::string read_file(const char* path) {
  std::string content;
  UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 16384> buffer;
  while (file) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return content;
}

std::string_view next_field(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const std::string_view field = line.substr(0, line.find(' '));
  line.remove_prefix(field.size());
  return field;
}

template <class Number>
bool parse_hex(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc() && end == text.data() + text.size();
}

// "0100007F:1F90": the kernel prints the address as words in its own byte order.
std::optional<resolve::Socket> parse_kernel_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i * 8 < colon; ++i) {
    if (!parse_hex(text.substr(i * 8, 8), words[i])) return std::nullopt;
  }
  resolve::Socket socket;
  if (!parse_hex(text.substr(colon + 1), socket.port)) return std::nullopt;
  socket.address = address_text(colon == 8 ? AF_INET : AF_INET6, words.data());
  return socket;
}

// What a file of /proc/net has.
struct KernelTable {
  const char* path;
  std::string_view state;  // of the lines that count
  resolve::Transport transport;
};

constexpr std::array kKernelTables = {
    KernelTable{"/proc/net/tcp", kListenState, resolve::Transport::kTcp},
    KernelTable{"/proc/net/tcp6", kListenState, resolve::Transport::kTcp},
    KernelTable{"/proc/net/udp", kUnconnectedState, resolve::Transport::kUdp},
    KernelTable{"/proc/net/udp6", kUnconnectedState, resolve::Transport::kUdp},
};

void add_listening(const KernelTable& kernel, std::map<resolve::Socket, std::size_t>& sockets) {
  const std::string content = read_file(kernel.path);
  std::string_view table = content;
  while (!table.empty()) {
    std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    next_field(line);  // number of the line
    const std::string_view local = next_field(line);
    next_field(line);  // remote address
    if (next_field(line) != kernel.state) continue;
    auto socket = parse_kernel_address(local);
    if (!socket) continue;
    socket->transport = kernel.transport;
    ++sockets[*socket];
  }
}

// Sets `number` to the decimal number that is all of `text`.
template <class Number>
bool parse_decimal(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 10);
  return error == std::errc() && end == text.data() + text.size();
}

// "1.2.3.4:80", "[::1]:80".
std::optional<resolve::Socket> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  resolve::Socket socket;
  if (!parse_decimal(text.substr(colon + 1), socket.port) || socket.port == 0) return std::nullopt;
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const std::string written(address);
  const int family = bracketed ? AF_INET6 : AF_INET;
  if (::inet_pton(family, written.c_str(), bytes.data()) != 1) return std::nullopt;
  socket.address = address_text(family, bytes.data());
  return socket;
}

// A datagram to a wildcard address is answered from the address that it came to. nginx does not
// look for it elsewhere.
bool tell_destinations(int fd, const resolve::Socket& socket, int family) {
  if (socket.address != "0.0.0.0" && socket.address != "::") return true;
  return family == AF_INET6 ? turn_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO)
                            : turn_on(fd, IPPROTO_IP, IP_PKTINFO);
}

}  // namespace

std::string wire_name(const Port& port) {
  if (port.socket.transport == resolve::Transport::kTcp) {
    return std::string(kTcp) + port.socket.text();
  }
  resolve::Socket address = port.socket;
  address.transport = resolve::Transport::kTcp;
  return fmt::format("{}{}/{}", kUdp, address.text(), port.share);
}

std::optional<Port> parse_wire_name(std::string_view text) {
  Port port;
  const bool udp = text.starts_with(kUdp);
  if (!udp && !text.starts_with(kTcp)) return std::nullopt;
  text.remove_prefix(kTcp.size());
  if (udp) {
    const std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos || !parse_decimal(text.substr(slash + 1), port.share)) {
      return std::nullopt;
    }
    text = text.substr(0, slash);
  }
  const std::optional<resolve::Socket> socket = parse_address(text);
  if (!socket) return std::nullopt;
  port.socket = *socket;
  if (udp) port.socket.transport = resolve::Transport::kUdp;
  return port;
}

Result<UniqueFd> open_listening(const resolve::Socket& socket, Binding binding) {
  const std::optional<SocketAddress> address = to_sockaddr(socket);
  if (!address) return fail(Errc::kInvalid, fmt::format("'{}' is no IP address", socket.address));
  const int family = address->storage.ss_family;
  const bool udp = socket.transport == resolve::Transport::kUdp;
  const int type = udp ? SOCK_DGRAM : SOCK_STREAM;
  UniqueFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !turn_on(fd.get(), SOL_SOCKET, SO_REUSEADDR) ||
      !turn_on(fd.get(), SOL_SOCKET, SO_REUSEPORT) ||
      (family == AF_INET6 && !turn_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
      (binding == Binding::kAnyAddress && !turn_on(fd.get(), IPPROTO_IP, IP_FREEBIND)) ||
      (udp && !tell_destinations(fd.get(), socket, family)) ||
      ::bind(fd.get(), address->get(), address->bytes) != 0 ||
      (!udp && ::listen(fd.get(), kBacklog) != 0)) {
    return fail(Errc::kSystem, meaning(errno, socket));
  }
  return fd;
}

std::optional<resolve::Socket> listening_address(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t bytes = sizeof(value);
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &bytes) == 0 ? value : 0;
  };
  const int protocol = option(SO_PROTOCOL);
  const bool udp = protocol == IPPROTO_UDP;
  if (!udp && (protocol != IPPROTO_TCP || option(SO_ACCEPTCONN) == 0)) return std::nullopt;
  sockaddr_storage storage{};
  socklen_t storage_bytes = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &storage_bytes) != 0) {
    return std::nullopt;
  }
  const auto transport = udp ? resolve::Transport::kUdp : resolve::Transport::kTcp;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof(v4));
    return resolve::Socket{address_text(AF_INET, &v4.sin_addr), ntohs(v4.sin_port), transport};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof(v6));
    return resolve::Socket{address_text(AF_INET6, &v6.sin6_addr), ntohs(v6.sin6_port), transport};
  }
  return std::nullopt;
}

std::map<resolve::Socket, std::size_t> listening_sockets(resolve::Transport transport) {
  std::map<resolve::Socket, std::size_t> sockets;
  for (const KernelTable& kernel : kKernelTables) {
    if (kernel.transport == transport) add_listening(kernel, sockets);
  }
  return sockets;
}

bool covers(const resolve::Socket& wider, const resolve::Socket& socket) {
  if (wider == socket) return true;
  if (wider.port != socket.port || wider.transport != socket.transport) return false;
  const bool v6 = socket.address.find(':') != std::string::npos;
  return wider.address == (v6 ? "::" : "0.0.0.0");
}

}  // namespace sluice::keeper

// A DNS server on 127.0.0.1 that says what a test tells it to, by UDP.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"

namespace sluice::dns {

struct Script {
  std::vector<std::string> ipv4 = {};
  std::vector<std::string> ipv6 = {};
  std::uint32_t ttl = 1;
  int code = 0;         // 2: the server failed, 3: no such name
  bool silent = false;  // no answer at all
};

class FakeServer {
 public:
  FakeServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }

  ~FakeServer() {
    ending_ = true;
    thread_.join();
  }

  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // Names without a script do not exist.
  void put(const std::string& name, Script script) {
    const std::lock_guard lock(mutex_);
    scripts_[name] = std::move(script);
  }

  int questions(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(name);
    return found == asked_.end() ? 0 : found->second;
  }

 private:
  using Bytes = std::vector<std::uint8_t>;

  static constexpr std::uint16_t kA = 1;
  static constexpr std::uint16_t kAaaa = 28;
  static constexpr std::size_t kHeader = 12;

  void serve() {
    while (!ending_) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      std::array<std::uint8_t, 512> query{};
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got = ::recvfrom(socket_.get(), query.data(), query.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got < static_cast<ssize_t>(kHeader)) continue;
      const Bytes reply = answer(Bytes(query.begin(), query.begin() + got));
      if (reply.empty()) continue;
      ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
               size);
    }
  }

  static void add16(Bytes& out, std::uint32_t number) {
    out.push_back(static_cast<std::uint8_t>(number >> 8));
    out.push_back(static_cast<std::uint8_t>(number));
  }

  Bytes answer(const Bytes& query) {
    std::string name;
    std::size_t at = kHeader;
    while (at < query.size() && query[at] != 0) {
      if (!name.empty()) name += '.';
      name.append(query.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  query.begin() + static_cast<std::ptrdiff_t>(at) + 1 + query[at]);
      at += query[at] + 1U;
    }
    const std::size_t end = at + 5;
    if (end > query.size()) return {};
    const std::uint16_t type = query[at + 2];
    const std::lock_guard lock(mutex_);
    ++asked_[name];
    const auto found = scripts_.find(name);
    const Script script = found == scripts_.end() ? Script{.code = 3} : found->second;
    if (script.silent) return {};
    const std::vector<std::string> none;
    const auto& addresses = type == kA ? script.ipv4 : type == kAaaa ? script.ipv6 : none;
    Bytes reply(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end));
    reply[2] = 0x81;  // a response; recursion was desired
    reply[3] = static_cast<std::uint8_t>(0x80 | script.code);
    const std::size_t count = script.code == 0 ? addresses.size() : 0;
    reply[6] = 0;
    reply[7] = static_cast<std::uint8_t>(count);
    reply[8] = reply[9] = reply[10] = reply[11] = 0;
    for (std::size_t i = 0; i < count; ++i) {
      add16(reply, 0xc000 | kHeader);  // the name of the question
      add16(reply, type);
      add16(reply, 1);
      add16(reply, script.ttl >> 16);
      add16(reply, script.ttl & 0xffff);
      std::array<std::uint8_t, 16> bytes{};
      ::inet_pton(type == kA ? AF_INET : AF_INET6, addresses[i].c_str(), bytes.data());
      const std::size_t length = type == kA ? 4 : 16;
      add16(reply, static_cast<std::uint32_t>(length));
      reply.insert(reply.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    }
    return reply;
  }

  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, int> asked_;
  std::thread thread_;
};

}  // namespace sluice::dns

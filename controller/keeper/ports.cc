#include "controller/keeper/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/base/same_socket.h"

namespace sluice::keeper {
namespace {

// A holder that reconnects or drains needs some milliseconds; a stranger may stay for ever.
constexpr std::uint64_t kHolderGraceMs = 3000;
constexpr std::uint64_t kHolderRetryMs = 50;
constexpr std::uint64_t kRetryMs = 1000;
constexpr std::uint32_t kMaxShares = 1024;

}  // namespace

void Ports::want(const std::set<resolve::Socket>& sockets) {
  known_ = true;
  sockets_ = sockets;
  list_wanted();
}

void Ports::share_among(std::uint32_t workers) {
  const std::uint32_t shares = std::clamp(workers, shares_, kMaxShares);
  if (std::exchange(shares_, shares) != shares) list_wanted();
}

void Ports::list_wanted() {
  wanted_.clear();
  for (const resolve::Socket& socket : sockets_) {
    const std::uint32_t shares = socket.transport == resolve::Transport::kUdp ? shares_ : 1;
    for (std::uint32_t share = 0; share < shares; ++share)
      wanted_.insert({socket, share});
  }
  std::erase_if(attempts_, [this](const auto& entry) { return !wanted_.contains(entry.first); });
}

void Ports::leave_to_nginx(std::set<resolve::Socket> statics) {
  statics_ = std::move(statics);
  std::erase_if(attempts_, [this](const auto& entry) { return left_to_nginx(entry.first.socket); });
}

bool Ports::left_to_nginx(const resolve::Socket& socket) const {
  return std::any_of(statics_.begin(), statics_.end(),
                     [&](const resolve::Socket& own) { return covers(own, socket); });
}

bool Ports::ours(const Port& port) const {
  return wanted_.contains(port) && !left_to_nginx(port.socket);
}

Ports::Adoption Ports::adopt(const Port& port, UniqueFd fd) {
  if (!fd || listening_address(fd.get()) != port.socket || port.share >= kMaxShares) {
    return Adoption::kUseless;
  }
  if (auto held = held_.find(port); held != held_.end()) {
    return same_socket(held->second.get(), fd.get()) ? Adoption::kSame : Adoption::kOther;
  }
  held_.emplace(port, std::move(fd));
  attempts_.erase(port);
  share_among(port.share + 1);
  return Adoption::kTaken;
}

bool Ports::open_due(std::uint64_t now_ms) {
  std::vector<Port> due;
  std::set<resolve::Transport> transports;
  for (const Port& port : wanted_) {
    if (held_.contains(port) || left_to_nginx(port.socket)) continue;
    const auto attempt = attempts_.find(port);
    if (attempt != attempts_.end() && attempt->second.next_ms > now_ms) continue;
    due.push_back(port);
    transports.insert(port.socket.transport);
  }
  std::set<resolve::Socket> taken;  // somebody else has one there, too
  for (const resolve::Transport transport : transports) {
    for (const auto& [socket, count] : listening_sockets(transport)) {
      if (count > held_at(socket)) taken.insert(socket);
    }
  }
  bool changed = false;
  for (const Port& port : due)
    changed |= try_open(port, taken.contains(port.socket), now_ms);
  return changed;
}

std::size_t Ports::held_at(const resolve::Socket& socket) const {
  std::size_t count = 0;
  for (auto port = held_.lower_bound({socket, 0}); port != held_.end(); ++port) {
    if (port->first.socket != socket) break;
    ++count;
  }
  return count;
}

bool Ports::try_open(const Port& port, bool taken, std::uint64_t now_ms) {
  Attempt& attempt = attempts_.try_emplace(port, Attempt{now_ms, 0, ""}).first->second;
  std::string error;
  if (!taken) {
    Result<UniqueFd> opened = open_listening(port.socket, binding_);
    if (opened) {
      if (!attempt.error.empty() && port.share == 0) {
        news_.push_back(fmt::format("{}: open now", port.socket.text()));
      }
      held_.emplace(port, std::move(*opened));
      attempts_.erase(port);
      return true;
    }
    error = opened.error().message;
    attempt.next_ms = now_ms + kRetryMs;
  } else if (now_ms - attempt.first_ms < kHolderGraceMs) {
    attempt.next_ms = now_ms + kHolderRetryMs;
    return false;
  } else {
    error = "address already in use: another program listens on it";
    attempt.next_ms = now_ms + kRetryMs;
  }
  if (error == attempt.error) return false;
  attempt.error = error;
  if (port.share == 0) news_.push_back(fmt::format("{}: {}", port.socket.text(), error));
  return true;
}

bool Ports::close_unwanted() {
  if (!known_) return false;
  return std::erase_if(held_, [this](const auto& entry) { return !ours(entry.first); }) > 0;
}

bool Ports::close_all() {
  const bool any = !held_.empty();
  held_.clear();
  attempts_.clear();
  return any;
}

int Ports::fd_of(const Port& port) const {
  const auto held = held_.find(port);
  return held == held_.end() ? -1 : held->second.get();
}

std::map<Port, std::string> Ports::failures() const {
  std::map<Port, std::string> failures;
  for (const auto& [port, attempt] : attempts_) {
    if (!attempt.error.empty()) failures.emplace(port, attempt.error);
  }
  return failures;
}

std::optional<std::uint64_t> Ports::next_attempt_ms() const {
  std::optional<std::uint64_t> next;
  for (const auto& [socket, attempt] : attempts_) {
    if (!next || attempt.next_ms < *next) next = attempt.next_ms;
  }
  return next;
}

}  // namespace sluice::keeper

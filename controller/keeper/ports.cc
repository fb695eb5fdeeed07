#include "controller/keeper/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::keeper {
namespace {

// A holder that reconnects or drains needs some milliseconds; a stranger may stay for ever.
constexpr std::uint64_t kHolderGraceMs = 3000;
constexpr std::uint64_t kHolderRetryMs = 50;
constexpr std::uint64_t kRetryMs = 1000;

}  // namespace

void Ports::want(const std::set<resolve::Socket>& sockets) {
  known_ = true;
  wanted_ = sockets;
  std::erase_if(attempts_, [this](const auto& entry) { return !wanted_.contains(entry.first); });
}

void Ports::leave_to_nginx(std::set<resolve::Socket> statics) {
  statics_ = std::move(statics);
  std::erase_if(attempts_, [this](const auto& entry) { return left_to_nginx(entry.first); });
}

bool Ports::left_to_nginx(const resolve::Socket& socket) const {
  return std::any_of(statics_.begin(), statics_.end(),
                     [&](const resolve::Socket& own) { return covers(own, socket); });
}

bool Ports::ours(const resolve::Socket& socket) const {
  return wanted_.contains(socket) && !left_to_nginx(socket);
}

Ports::Adoption Ports::adopt(const resolve::Socket& socket, UniqueFd fd) {
  if (!fd || listening_address(fd.get()) != socket) return Adoption::kUseless;
  if (auto held = held_.find(socket); held != held_.end()) {
    return same_socket(held->second.get(), fd.get()) ? Adoption::kSame : Adoption::kOther;
  }
  held_.emplace(socket, std::move(fd));
  attempts_.erase(socket);
  return Adoption::kTaken;
}

bool Ports::open_due(std::uint64_t now_ms) {
  std::vector<resolve::Socket> due;
  for (const resolve::Socket& socket : wanted_) {
    if (held_.contains(socket) || left_to_nginx(socket)) continue;
    const auto attempt = attempts_.find(socket);
    if (attempt == attempts_.end() || attempt->second.next_ms <= now_ms) due.push_back(socket);
  }
  if (due.empty()) return false;
  const std::set<resolve::Socket> listening = sockets_in_listen_state();
  bool changed = false;
  for (const resolve::Socket& socket : due) {
    changed |= try_open(socket, listening.contains(socket), now_ms);
  }
  return changed;
}

bool Ports::try_open(const resolve::Socket& socket, bool taken, std::uint64_t now_ms) {
  Attempt& attempt = attempts_.try_emplace(socket, Attempt{now_ms, 0, ""}).first->second;
  std::string error;
  if (!taken) {
    Result<UniqueFd> opened = open_listening(socket, binding_);
    if (opened) {
      if (!attempt.error.empty()) news_.push_back(fmt::format("{}: open now", socket.text()));
      held_.emplace(socket, std::move(*opened));
      attempts_.erase(socket);
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
  news_.push_back(fmt::format("{}: {}", socket.text(), error));
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

int Ports::fd_of(const resolve::Socket& socket) const {
  const auto held = held_.find(socket);
  return held == held_.end() ? -1 : held->second.get();
}

std::map<resolve::Socket, std::string> Ports::failures() const {
  std::map<resolve::Socket, std::string> failures;
  for (const auto& [socket, attempt] : attempts_) {
    if (!attempt.error.empty()) failures.emplace(socket, attempt.error);
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

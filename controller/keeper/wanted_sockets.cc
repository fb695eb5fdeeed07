#include "controller/keeper/wanted_sockets.h"

#include <utility>

namespace sluice::keeper {

bool WantedSockets::apply(const resolve::Delta& delta) {
  if (delta.listeners.empty() && delta.listeners_gone.empty()) return false;
  for (const resolve::ListenerKey& key : delta.listeners_gone)
    listeners_.erase(key);
  for (const resolve::ServedListener& listener : delta.listeners) {
    listeners_[listener.key] = listener.sockets;
  }
  std::set<resolve::Socket> all;
  for (const auto& [key, sockets] : listeners_)
    all.insert(sockets.begin(), sockets.end());
  std::swap(all, all_);
  return all != all_;
}

}  // namespace sluice::keeper

#include "controller/keeper/shares.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace sluice::keeper {
namespace {

// The newest one last.
std::vector<Port> shares_of(const Worker& worker, const resolve::Socket& socket) {
  std::vector<Port> shares;
  for (auto given = worker.given.lower_bound({socket, 0}); given != worker.given.end(); ++given) {
    if (given->first.socket != socket) break;
    shares.push_back(given->first);
  }
  std::ranges::sort(shares, {}, [&](const Port& port) { return worker.given.at(port); });
  return shares;
}

// Of each nginx the newest ones, as many as it is to have.
std::set<const Worker*> staying_workers(const Connections& connections) {
  std::map<std::string, std::vector<const Worker*>> of_instance;
  for (const auto& [fd, worker] : connections) {
    if (worker.takes_listeners()) of_instance[worker.info.instance].push_back(&worker);
  }
  std::set<const Worker*> staying;
  for (auto& [instance, workers] : of_instance) {
    std::ranges::sort(workers, std::ranges::greater(), &Worker::greeted_as);
    workers.resize(std::min<std::size_t>(workers.size(), workers.front()->info.workers));
    staying.insert(workers.begin(), workers.end());
  }
  return staying;
}

}  // namespace

bool is_shared(const Port& port) {
  return port.socket.transport == resolve::Transport::kUdp;
}

std::uint32_t expected_workers(const Connections& connections) {
  std::map<std::string, std::uint32_t> of_instance;
  for (const auto& [fd, worker] : connections) {
    if (!worker.takes_listeners()) continue;
    std::uint32_t& workers = of_instance[worker.info.instance];
    workers = std::max(workers, worker.info.workers);
  }
  std::uint32_t all = 0;
  for (const auto& [instance, workers] : of_instance)
    all += workers;
  return all;
}

bool has_reader(const Connections& connections, const Port& port) {
  return std::ranges::any_of(connections, [&](const auto& entry) {
    const Worker& worker = entry.second;
    return worker.given.contains(port) || worker.dropping.contains(port) ||
           worker.leaving_until_ms.contains(port);
  });
}

void end_starts(Starting& starting, const Connections& connections, std::uint64_t now_ms) {
  std::erase_if(starting, [&](const auto& start) {
    std::size_t expected = 0;
    std::size_t here = 0;
    for (const auto& [fd, worker] : connections) {
      if (!worker.takes_listeners() || worker.info.instance != start.first) continue;
      expected = std::max<std::size_t>(expected, worker.info.workers);
      ++here;
    }
    return here >= expected || now_ms >= start.second;
  });
}

Worker* next_reader(Connections& connections, const Port& port, bool at_start) {
  if (has_reader(connections, port)) return nullptr;
  const std::set<const Worker*> staying = staying_workers(connections);
  Worker* next = nullptr;
  std::size_t fewest = 0;
  for (auto& [fd, worker] : connections) {
    if (!staying.contains(&worker) || worker.blocked) continue;
    const std::size_t count = shares_of(worker, port.socket).size();
    if (at_start && count > 0) continue;
    if (next != nullptr && count >= fewest) continue;
    next = &worker;
    fewest = count;
  }
  return next;
}

void level_shares(Connections& connections, const resolve::Socket& socket) {
  const std::set<const Worker*> staying = staying_workers(connections);
  auto without = std::ranges::count_if(
      staying, [&](const Worker* worker) { return shares_of(*worker, socket).empty(); });
  for (auto& [fd, worker] : connections) {
    if (!worker.takes_listeners()) continue;  // its greeting goes on
    std::vector<Port> shares = shares_of(worker, socket);
    if (!staying.contains(&worker)) {
      worker.dropping.insert(shares.begin(), shares.end());
      continue;
    }
    for (; without > 0 && shares.size() > 1; --without, shares.pop_back())
      worker.dropping.insert(shares.back());
  }
}

bool shares_are_level(const Connections& connections, const resolve::Socket& socket,
                      std::size_t count) {
  const std::set<const Worker*> staying = staying_workers(connections);
  std::size_t expected = 0;
  std::size_t readers = 0;
  for (const auto& [fd, worker] : connections) {
    if (!worker.counts()) continue;
    const std::vector<Port> shares = shares_of(worker, socket);
    const bool settled = std::ranges::all_of(shares, [&](const Port& port) {
      return worker.opened.contains(port) || worker.failed.contains(port);
    });
    const bool leaves = std::ranges::any_of(
        worker.leaving_until_ms, [&](const auto& entry) { return entry.first.socket == socket; });
    if (!settled || leaves || (!staying.contains(&worker) && !shares.empty())) return false;
    expected += staying.contains(&worker) ? 1 : 0;
    readers += shares.empty() ? 0 : 1;
  }
  return readers == std::min(expected, count);
}

}  // namespace sluice::keeper

#include "controller/publish/merge.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::publish {
namespace {

// `now` and `gone` are the older delta's lists; the newer one's word about an identity is the last.
template <class Value, class Key>
void merge_lists(std::vector<Value>& now, std::vector<Key>& gone,
                 const std::vector<Value>& newer_now, const std::vector<Key>& newer_gone,
                 const Key Value::* key) {
  if (now.empty() && gone.empty()) {
    now = newer_now;
    gone = newer_gone;
    return;
  }
  std::map<Key, std::optional<Value>> last;
  for (Value& value : now) {
    Key name = value.*key;
    last.insert_or_assign(std::move(name), std::move(value));
  }
  for (Key& name : gone)
    last.insert_or_assign(std::move(name), std::nullopt);
  for (const Value& value : newer_now)
    last.insert_or_assign(value.*key, value);
  for (const Key& name : newer_gone)
    last.insert_or_assign(name, std::nullopt);
  now.clear();
  gone.clear();
  for (auto& [name, value] : last) {
    if (value) {
      now.push_back(std::move(*value));
    } else {
      gone.push_back(name);
    }
  }
}

}  // namespace

void merge(resolve::Delta& into, const resolve::Delta& newer) {
  merge_lists(into.listeners, into.listeners_gone, newer.listeners, newer.listeners_gone,
              &resolve::ServedListener::key);
  merge_lists(into.routes, into.routes_gone, newer.routes, newer.routes_gone,
              &resolve::ServedRoute::key);
  merge_lists(into.backends, into.backends_gone, newer.backends, newer.backends_gone,
              &resolve::ServedBackend::id);
}

}  // namespace sluice::publish

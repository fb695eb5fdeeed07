#include "controller/kube/known_objects.h"

#include <algorithm>

namespace sluice::kube {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

// Versions that are no numbers have no order: any other one counts as newer.
bool is_newer(const std::string& left, const std::string& right) {
  const auto order = compare_versions(left, right);
  return order ? *order == std::strong_ordering::greater : left != right;
}

}  // namespace

std::optional<std::strong_ordering> compare_versions(std::string_view left,
                                                     std::string_view right) {
  if (!is_number(left) || !is_number(right)) return std::nullopt;
  left = without_zeros(left);
  right = without_zeros(right);
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left.compare(right) <=> 0;
}

KnownObjects::News KnownObjects::put(const Identity& object, From from) {
  News news;
  const Name name{object.ns, object.name};
  const auto same = objects_.find(object.uid);
  if (same != objects_.end()) {
    Known& known = same->second;
    known.list = list_;
    news.changed = from == From::kList ? object.resource_version != known.resource_version
                                       : is_newer(object.resource_version, known.resource_version);
    if (news.changed) known.resource_version = object.resource_version;
    return news;
  }
  const auto deleted = deleted_.find(object.uid);
  if (deleted != deleted_.end()) {
    if (from == From::kEvent && !is_newer(object.resource_version, deleted->second)) return news;
    deleted_.erase(deleted);
  }
  if (const auto before = uids_.find(name); before != uids_.end()) {
    news.gone = forget(objects_.find(before->second), object.resource_version);
  }
  objects_[object.uid] = {name, object.resource_version, list_};
  uids_[name] = object.uid;
  news.changed = true;
  return news;
}

std::optional<Identity> KnownObjects::remove(const Identity& object) {
  const auto known = objects_.find(object.uid);
  if (known == objects_.end()) return std::nullopt;
  if (!is_newer(object.resource_version, known->second.resource_version)) return std::nullopt;
  return forget(known, object.resource_version);
}

std::vector<Identity> KnownObjects::end_list() {
  std::vector<Identity> gone;
  for (auto each = objects_.begin(); each != objects_.end();) {
    const auto now = each++;
    if (now->second.list != list_) gone.push_back(forget(now, now->second.resource_version));
  }
  return gone;
}

std::vector<Identity> KnownObjects::clear() {
  begin_list();
  return end_list();
}

Identity KnownObjects::forget(Objects::iterator object, const std::string& resource_version) {
  Identity identity = identity_of(*object);
  // Before the object goes: `resource_version` may be its own.
  if (deleted_.insert_or_assign(identity.uid, resource_version).second) {
    deleted_in_order_.push_back(identity.uid);
  }
  uids_.erase(object->second.name);
  objects_.erase(object);
  if (deleted_in_order_.size() > kRemembered) {
    deleted_.erase(deleted_in_order_.front());
    deleted_in_order_.pop_front();
  }
  return identity;
}

Identity KnownObjects::identity_of(const Objects::value_type& object) {
  return {object.first, object.second.name.first, object.second.name.second,
          object.second.resource_version};
}

}  // namespace sluice::kube

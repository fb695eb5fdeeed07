// What is known of the objects of one resource, so that only differences are told: by UID the name
// and the resourceVersion, no bodies.
//
// An event whose resourceVersion is not above the known one of the same UID says nothing new. An
// object that was deleted does not come back by an older event: the last kRemembered of them are
// remembered. A list is the truth: any other resourceVersion in it is news.
//
// Process: controller.   Pure.   Cost: O(log objects).
// Tested by: test/unit/controller/kube/known_objects_test.cc
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::kube {

struct Identity {
  std::string uid;
  std::string ns;  // "": cluster-scoped
  std::string name;
  std::string resource_version;
};

// Numbers are compared as numbers, of any length; none when either is no number.
std::optional<std::strong_ordering> compare_versions(std::string_view left, std::string_view right);

class KnownObjects {
 public:
  static constexpr std::size_t kRemembered = 1024;

  enum class From : std::uint8_t { kList, kEvent };

  // What to tell: first a deletion of the object that had the name before, if there was one.
  struct News {
    std::optional<Identity> gone;
    bool changed = false;
  };

  News put(const Identity& object, From from);
  // The known object, unless `object` is older.
  std::optional<Identity> remove(const Identity& object);

  void begin_list() { ++list_; }

  // Those that were not in the list that ends.
  std::vector<Identity> end_list();
  std::vector<Identity> clear();

  std::size_t size() const { return objects_.size(); }

 private:
  using Name = std::pair<std::string, std::string>;

  struct Known {
    Name name;
    std::string resource_version;
    std::uint64_t list = 0;  // the last one that it was in
  };

  using Objects = std::map<std::string, Known>;

  Identity forget(Objects::iterator object, const std::string& resource_version);
  static Identity identity_of(const Objects::value_type& object);

  Objects objects_;  // by UID
  std::map<Name, std::string> uids_;
  std::map<std::string, std::string> deleted_;  // UID -> resourceVersion
  std::deque<std::string> deleted_in_order_;
  std::uint64_t list_ = 0;
};

}  // namespace sluice::kube

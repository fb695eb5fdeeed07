// Random Gateway API objects of a small world in which almost everything that can refer to
// something else does, as a user would write them: JSON through the decoder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "controller/model/host_answer.h"
#include "controller/model/store.h"

namespace sluice {

class RandomObjects {
 public:
  explicit RandomObjects(std::uint64_t seed) : random_(seed) {}

  // An object that is new, different or gone. Counts what the decoder refused and tries again.
  model::Change next_change();

  // What the hostname of some backends stands for now.
  model::HostAnswer next_answer();

  // What an API server serves now.
  model::InstalledApi next_api();

  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  std::uint64_t refused() const { return refused_; }

 private:
  using Json = nlohmann::json;

  bool one_in(int count) { return below(count) == 0; }

  std::string one_of(std::initializer_list<const char*> choices) {
    return *(choices.begin() + below(static_cast<int>(choices.size())));
  }

  std::string ns() { return one_of({"a", "b", "a-b"}); }

  Json object(const char* api, const char* kind, const std::string& name);
  Json random_object();
  Json gateway_class();
  Json gateway();
  Json listeners();
  Json listener_set();
  Json listener(int index);
  Json tls();
  Json client_validation();
  Json secret();
  Json config_map();
  Json trust_bundle();
  Json trust_bundle_ref();
  Json policy();
  Json parameters_ref();
  Json parameters();
  Json route();
  void add_parents(Json& spec);
  Json stream_route();
  Json rule(bool grpc);
  Json match();
  Json grpc_match();
  Json backend_ref();
  void add_filters(Json& owner, bool grpc);
  Json mirror();
  void add_timing(Json& rule);
  Json grant();
  Json service();
  Json slice();
  Json namespaced_labels();
  Json backend();

  std::mt19937_64 random_;
  std::uint64_t refused_ = 0;
};

}  // namespace sluice

// A table in a directory of its own, and the words to fill it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/read_mapping.h"
#include "shared/table/dump.h"
#include "shared/table/editor.h"
#include "shared/table/endpoints.h"
#include "shared/table/reader.h"

namespace sluice::table {

class TableFixture {
 public:
  static constexpr std::uint64_t kSeed = 0x0123456789abcdef;

  explicit TableFixture(arena::ArenaOptions options = {}) {
    directory_ = "/dev/shm/sluice-table-XXXXXX";
    if (mkdtemp(directory_.data()) == nullptr) ADD_FAILURE() << "no directory";
    options.directory = directory_;
    options.poison_freed = true;
    open(options);
  }

  ~TableFixture() {
    close();
    std::filesystem::remove_all(directory_);
  }

  TableFixture(const TableFixture&) = delete;
  TableFixture& operator=(const TableFixture&) = delete;

  // As a controller that stops and another one that starts.
  void restart() {
    arena::ArenaOptions options;
    options.directory = directory_;
    close();
    open(options);
  }

  Editor& editor() { return *editor_; }

  EndpointTable& endpoints() { return *endpoints_; }

  arena::Arena& arena() { return *arena_; }

  arena::ReadMapping& mapping() {
    if (mapping_ == nullptr) {
      auto opened = arena::ReadMapping::open(directory_);
      if (!opened) ADD_FAILURE() << opened.error().message;
      mapping_ = std::move(*opened);
    }
    return *mapping_;
  }

  Reader reader() { return Reader(mapping().enter()); }

  std::string dumped() { return dump(reader()); }

  // Commits, which must succeed, and returns the dump.
  std::string committed() {
    const Result<void> done = editor().commit();
    EXPECT_TRUE(done) << done.error().message;
    arena().reclaim(0);
    return dumped();
  }

 private:
  void open(const arena::ArenaOptions& options) {
    auto arena = arena::Arena::open(options);
    if (!arena) ADD_FAILURE() << arena.error().message;
    arena_ = std::move(*arena);
    auto endpoints = EndpointTable::open(*arena_);
    if (!endpoints) ADD_FAILURE() << endpoints.error().message;
    endpoints_ = std::move(*endpoints);
    editor_ = std::make_unique<Editor>(*arena_, *endpoints_, kSeed);
  }

  void close() {
    mapping_.reset();
    editor_.reset();
    endpoints_.reset();
    arena_.reset();
  }

  std::string directory_;
  std::unique_ptr<arena::Arena> arena_;
  std::unique_ptr<EndpointTable> endpoints_;
  std::unique_ptr<Editor> editor_;
  std::unique_ptr<arena::ReadMapping> mapping_;
};

inline Host any_host() {
  return {};
}

inline Host exact_host(std::string name) {
  return {HostKind::kExact, std::move(name)};
}

inline Host wildcard_host(std::string name) {
  return {HostKind::kWildcard, std::move(name)};
}

inline ListenerSpec listener_spec(std::uint32_t id, std::string name, std::uint16_t port = 80) {
  ListenerSpec spec;
  spec.id = id;
  spec.gateway = "default/web";
  spec.name = std::move(name);
  spec.port = port;
  spec.client_port = port;
  SocketKey socket;
  socket.port = static_cast<std::uint16_t>(port + 8000);
  spec.sockets = {socket};
  return spec;
}

inline std::shared_ptr<RuleAction> action_of(std::string route, std::vector<Share> shares = {},
                                             std::uint16_t rule = 0) {
  auto action = std::make_shared<RuleAction>();
  action->route = std::move(route);
  action->rule = rule;
  action->shares = std::move(shares);
  return action;
}

inline Share share_of(const std::string& name, std::uint32_t weight = 1) {
  return {"Service/" + name, name, weight, 0};
}

inline Rule prefix_rule(std::string path, std::shared_ptr<const RuleAction> action) {
  Rule rule;
  rule.path = std::move(path);
  rule.action = std::move(action);
  return rule;
}

inline Rule exact_rule(std::string path, std::shared_ptr<const RuleAction> action) {
  Rule rule = prefix_rule(std::move(path), std::move(action));
  rule.path_kind = PathKind::kExact;
  return rule;
}

inline Rule regex_rule(std::string pattern, std::shared_ptr<const RuleAction> action) {
  Rule rule = prefix_rule(std::move(pattern), std::move(action));
  rule.path_kind = PathKind::kRegex;
  return rule;
}

inline Rule with_header(Rule rule, std::string name, std::string value) {
  rule.conditions.push_back({ConditionKind::kHeaderExact, std::move(name), std::move(value)});
  return rule;
}

}  // namespace sluice::table

#include "test/oracle/live_table.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "shared/http/header.h"
#include "shared/http/method.h"

namespace sluice::oracle {

namespace {

constexpr std::uint64_t kHashSeed = 0x5eed'0f'1e57'ab1e;

template <class T>
T must(Result<T>&& result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", what, result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string make_directory() {
  std::string name = "/dev/shm/sluice-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    std::perror("mkdtemp");
    std::abort();
  }
  return name;
}

std::uint64_t no_clock() {
  return 0;
}

}  // namespace

RequestBytes::RequestBytes(const Request& request) {
  headers_.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) {
    headers_.push_back({http::header_name_hash(name), name, value});
  }
  view_ = {request.host, request.path, request.query, http::method_bit(request.method), headers_};
}

LiveTable::LiveTable() : directory_(make_directory()) {
  arena::ArenaOptions options;
  options.directory = directory_;
  arena_ = must(arena::Arena::open(options), "opening the arena");
  endpoints_ = must(table::EndpointTable::open(*arena_), "opening the endpoints");
  editor_ = std::make_unique<table::Editor>(*arena_, *endpoints_, kHashSeed);
}

LiveTable::~LiveTable() {
  mapping_.reset();
  editor_.reset();
  endpoints_.reset();
  arena_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void LiveTable::put_endpoints(const World& world) {
  std::set<std::string> known;
  table::EndpointAddress address;
  address.port = 8080;
  address.address = {127, 0, 0, 1};
  for (const Contribution& contribution : world.contributions) {
    for (const table::Rule& rule : contribution.rules) {
      for (const table::Share& share : rule.action->shares) {
        if (share.backend.empty() || !known.insert(share.backend).second) continue;
        must(endpoints_->put(share.backend, {&address, 1}), "putting endpoints");
      }
    }
  }
}

void LiveTable::put_patterns(const World& world) {
  std::vector<std::string> patterns;
  for (const Contribution& contribution : world.contributions) {
    for (const table::Rule& rule : contribution.rules) {
      if (rule.path_kind == table::PathKind::kRegex) patterns.push_back(rule.path);
      for (const table::RuleCondition& condition : rule.conditions) {
        if (condition.kind == table::ConditionKind::kHeaderRegex ||
            condition.kind == table::ConditionKind::kQueryRegex) {
          patterns.push_back(condition.value);
        }
      }
    }
  }
  if (editor_->put_patterns(patterns)) commit();
}

void LiveTable::put(const World& world) {
  put_endpoints(world);
  put_patterns(world);
  for (const table::ListenerSpec& listener : world.listeners)
    editor_->put_listener(listener);
  for (const Contribution& contribution : world.contributions) {
    editor_->put_route(contribution.listener, contribution.hostname, contribution.route,
                       contribution.rules);
  }
  commit();
}

void LiveTable::remove(const World& world) {
  for (const Contribution& contribution : world.contributions) {
    editor_->put_route(contribution.listener, contribution.hostname, contribution.route, {});
  }
  for (const table::ListenerSpec& listener : world.listeners) {
    editor_->remove_listener(listener.id);
  }
  commit();
}

void LiveTable::commit() {
  must(editor_->commit(), "committing");
}

void LiveTable::warm() {
  constexpr std::uint64_t kNoBudget = 1;  // of a clock that stands still
  context_.regexes.warm(reader(), kNoBudget, no_clock);
}

table::Reader LiveTable::reader() {
  if (mapping_ == nullptr) {
    mapping_ = must(arena::ReadMapping::open(directory_), "mapping the table");
  }
  return table::Reader(mapping_->enter());
}

match::Match LiveTable::match(const Request& request, match::Trace* trace) {
  return match::find_rule(reader(), request.group, RequestBytes(request).view(), context_, trace);
}

Answer LiveTable::find(const Request& request, match::Trace* trace) {
  const table::Reader table = reader();
  const match::Match found =
      match::find_rule(table, request.group, RequestBytes(request).view(), context_, trace);
  Answer answer;
  answer.outcome = found.outcome;
  const bool matched = found.outcome == match::Outcome::kMatched;
  if (matched || found.outcome == match::Outcome::kNoRule) answer.listener = found.listener.id;
  if (!matched) return answer;
  answer.hostname.kind = found.shard.hostname_kind;
  answer.hostname.name =
      table.text(found.shard.hostname, 0, found.shard.hostname_bytes).value_or("");
  answer.route = table.text(found.action.route, 0, found.action.route_bytes).value_or("?");
  answer.rule = found.entry.rule;
  answer.match = found.entry.match;
  return answer;
}

}  // namespace sluice::oracle

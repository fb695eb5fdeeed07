#include "ngx_module/core/plan.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace sluice::core {

namespace {

// Copies texts of the table; remembers whether one could not be had.
class Copier {
 public:
  Copier(const table::Reader& reader, Memory& memory) : reader_(reader), memory_(memory) {}

  std::string_view text(table::Offset offset, std::size_t bytes) {
    if (bytes == 0) return {};
    const std::optional<std::string_view> found = reader_.text(offset, 0, bytes);
    if (!found) return {};  // a damaged name is no reason to refuse the request
    char* const copy = memory_.take(bytes);
    if (copy == nullptr) {
      out_of_memory_ = true;
      return {};
    }
    std::memcpy(copy, found->data(), bytes);
    return {copy, bytes};
  }

  bool out_of_memory() const { return out_of_memory_; }

 private:
  const table::Reader& reader_;
  Memory& memory_;
  bool out_of_memory_ = false;
};

// The first share whose threshold is not below the draw; the last one's is the greatest.
std::optional<table::BackendShare> draw_share(const table::Reader& reader,
                                              const match::Match& match, std::uint32_t draw) {
  std::uint32_t low = 0;
  std::uint32_t high = match.action.shares - 1U;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto share =
        reader.read_element<table::BackendShare>(match.entry.action, sizeof(table::Action), middle);
    if (!share) return std::nullopt;
    if (draw <= share->threshold) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return reader.read_element<table::BackendShare>(match.entry.action, sizeof(table::Action), low);
}

Reason reason_of(match::Outcome outcome) {
  switch (outcome) {
    case match::Outcome::kMatched:
      return Reason::kNone;
    case match::Outcome::kNoGroup:
    case match::Outcome::kNoListener:
      return Reason::kNoListener;
    case match::Outcome::kNoRule:
    case match::Outcome::kBroken:
      return Reason::kNoRule;
  }
  return Reason::kNoRule;
}

}  // namespace

bool make_plan(const table::Reader& reader, const match::Match& match, std::uint32_t draw,
               Memory& memory, Plan& plan) {
  plan = Plan{};
  Copier copier(reader, memory);
  if (const auto root = reader.read<table::Root>(reader.root())) plan.generation = root->generation;
  plan.reason = reason_of(match.outcome);
  if (match.outcome == match::Outcome::kMatched || match.outcome == match::Outcome::kNoRule) {
    plan.gateway = copier.text(match.listener.gateway, match.listener.gateway_bytes);
    plan.listener = copier.text(match.listener.name, match.listener.name_bytes);
    plan.client_port = match.listener.client_port;
  }
  if (match.outcome != match::Outcome::kMatched) return !copier.out_of_memory();

  plan.route = copier.text(match.action.route, match.action.route_bytes);
  plan.rule_name = copier.text(match.action.rule_name, match.action.rule_name_bytes);
  plan.rule = match.action.rule;
  if (match.action.shares == 0) {
    plan.reason = Reason::kNoBackends;
    return !copier.out_of_memory();
  }
  const std::optional<table::BackendShare> share = draw_share(reader, match, draw);
  if (!share) {
    plan.reason = Reason::kInvalidBackend;
    return !copier.out_of_memory();
  }
  plan.backend = copier.text(share->name, share->name_bytes);
  plan.slot = {share->slot, share->incarnation};
  if (share->status != 0) plan.reason = Reason::kInvalidBackend;
  return !copier.out_of_memory();
}

}  // namespace sluice::core

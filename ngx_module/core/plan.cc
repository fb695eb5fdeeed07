#include "ngx_module/core/plan.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "shared/table/filter_reader.h"
#include "shared/table/networks.h"

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

  // A list of filters. It says itself how long it is; a length that does not fit is no list.
  std::string_view filters(table::Offset offset) {
    if (offset == 0) return {};
    const auto head = reader_.read<table::FilterList>(offset);
    if (!head || head->bytes < sizeof *head || head->bytes > table::kMaxFilterBytes) {
      broken_ = true;
      return {};
    }
    const std::string_view list = text(offset, head->bytes);
    if (list.empty()) broken_ = true;
    return list;
  }

  std::span<const http::IpNetwork> networks(table::Offset options, std::uint32_t count) {
    if (count == 0) return {};
    if (count > table::kMaxNetworks) {
      broken_ = true;
      return {};
    }
    static_assert(alignof(http::IpNetwork) == 1);  // memory of any alignment will do
    char* const place = memory_.take(count * sizeof(http::IpNetwork));
    if (place == nullptr) {
      out_of_memory_ = true;
      return {};
    }
    auto* const copies = reinterpret_cast<http::IpNetwork*>(place);
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto network =
          reader_.read_element<table::Network>(options, sizeof(table::ListenerOptions), i);
      if (!network) {
        broken_ = true;
        return {};
      }
      new (copies + i) http::IpNetwork(table::to_ip_network(*network));
    }
    return {copies, count};
  }

  void note_broken() { broken_ = true; }

  bool broken() const { return broken_; }

  bool out_of_memory() const { return out_of_memory_; }

 private:
  const table::Reader& reader_;
  Memory& memory_;
  bool out_of_memory_ = false;
  bool broken_ = false;
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

void plan_rule(const table::Reader& reader, const match::Match& match, Copier& copier, Plan& plan) {
  const table::Action& action = match.action;
  plan.route = copier.text(action.route, action.route_bytes);
  plan.rule_name = copier.text(action.rule_name, action.rule_name_bytes);
  plan.rule = action.rule;
  plan.route_kind = action.route_kind;
  plan.prefix_bytes = match.prefix_bytes;
  plan.rule_filters = copier.filters(action.filters);
  plan.request_timeout_ms = action.request_timeout_ms;
  plan.backend_request_timeout_ms = action.backend_request_timeout_ms;
  if (action.retry != 0) plan.retry = reader.read<table::Retry>(action.retry);
}

void plan_options(const table::Reader& reader, table::Offset offset, Copier& copier, Plan& plan) {
  if (offset == 0) return;
  const auto options = reader.read<table::ListenerOptions>(offset);
  if (!options) {
    copier.note_broken();
    return;
  }
  plan.trusted_proxies = copier.networks(offset, options->networks);
  plan.max_body_bytes = options->max_body_bytes;
  plan.max_header_bytes = options->max_header_bytes;
  plan.max_uri_bytes = options->max_uri_bytes;
}

void plan_client_certificate(const table::Reader& reader, table::Offset offset, Copier& copier,
                             Plan& plan) {
  if (offset == 0) return;
  const auto ref = reader.read<table::CertificateRef>(offset);
  if (!ref) {
    copier.note_broken();
    return;
  }
  plan.client_certificate = {ref->unit, ref->bytes, {ref->hash[0], ref->hash[1]}};
}

void plan_share(const table::BackendShare& share, Copier& copier, Plan& plan) {
  plan.backend = copier.text(share.name, share.name_bytes);
  plan.slot = {share.slot, share.incarnation};
  plan.protocol = share.protocol;
  plan.backend_filters = copier.filters(share.filters);
  if (share.status != 0) plan.reason = Reason::kInvalidBackend;
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
    plan_options(reader, match.listener.options, copier, plan);
    plan_client_certificate(reader, match.listener.client_certificate, copier, plan);
  }
  if (match.outcome != match::Outcome::kMatched) return !copier.out_of_memory();

  plan_rule(reader, match, copier, plan);
  if (match.action.shares == 0) {
    plan.reason = Reason::kNoBackends;
  } else if (const std::optional<table::BackendShare> share = draw_share(reader, match, draw)) {
    plan_share(*share, copier, plan);
  } else {
    plan.reason = Reason::kInvalidBackend;
  }
  // A request without its filters, or without the listener's limits or certificate, is another one.
  if (copier.broken()) plan.reason = Reason::kBadFilters;
  return !copier.out_of_memory();
}

}  // namespace sluice::core

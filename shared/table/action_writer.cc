#include "shared/table/action_writer.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "shared/table/blob_builder.h"
#include "shared/table/endpoints.h"
#include "shared/table/filter_writer.h"
#include "shared/table/narrow.h"

namespace sluice::table {
namespace {

constexpr std::uint16_t kInvalidBackend = 500;
__extension__ using Uint128 = unsigned __int128;

BackendShare share_record(Transaction& tx, EndpointTable& endpoints, const Share& share,
                          std::uint32_t most) {
  BackendShare record{};
  record.threshold = most;
  record.protocol = share.protocol;
  record.status = share.status == 0 && share.backend.empty() ? kInvalidBackend : share.status;
  record.name_bytes = narrow16(share.name.size());
  if (record.status != 0) return record;
  Result<SlotRef> ref = endpoints.find_or_reserve(share.backend);
  if (!ref) {
    tx.fail(std::move(ref.error()));
    return record;
  }
  record.slot = ref->slot;
  record.incarnation = ref->incarnation;
  return record;
}

Retry retry_record(const RetryRule& rule) {
  constexpr std::uint16_t kFirst = 400;
  constexpr std::uint16_t kLast = 599;
  Retry record{};
  record.attempts = rule.attempts;
  record.backoff_ms = rule.backoff_ms;
  for (const std::uint16_t status : rule.statuses) {
    if (status < kFirst || status > kLast) continue;
    const std::size_t bit = status - std::size_t{kFirst};
    record.statuses[bit / 8] = static_cast<std::uint8_t>(record.statuses[bit / 8] | 1U << bit % 8);
  }
  return record;
}

}  // namespace

std::vector<Threshold> thresholds(std::span<const Share> shares) {
  std::uint64_t total = 0;
  for (const Share& share : shares) {
    total += share.weight;
  }
  std::vector<Threshold> result;
  if (total == 0) return result;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].weight == 0) continue;
    sum += shares[i].weight;
    // Draws below `end` belong to the shares so far. The least end is 1: every weight has a draw.
    const Uint128 end = (static_cast<Uint128>(sum) << 32) / total;
    result.push_back({i, static_cast<std::uint32_t>(std::max(end, Uint128{1}) - 1)});
  }
  return result;
}

Blob write_action(Transaction& tx, EndpointTable& endpoints, const RuleAction& action,
                  arena::CounterRef counter) {
  const std::vector<Threshold> parts = thresholds(action.shares);
  BlobBuilder blob;
  Action record{};
  record.shares = narrow16(parts.size());
  record.rule = action.rule;
  record.route_kind = action.route_kind;
  record.counter = counter.line;
  record.counter_incarnation = counter.incarnation;
  record.request_timeout_ms = action.request_timeout_ms;
  record.backend_request_timeout_ms = action.backend_request_timeout_ms;
  record.route_bytes = narrow16(action.route.size());
  record.rule_name_bytes = narrow16(action.rule_name.size());
  record.bytes = static_cast<std::uint32_t>(sizeof record + record.shares * sizeof(BackendShare));
  const std::size_t head = blob.add(record);
  std::size_t at = blob.reserve(record.shares * sizeof(BackendShare));
  for (const Threshold& part : std::span(parts).first(record.shares)) {
    const Share& share = action.shares[part.share];
    blob.put(at, share_record(tx, endpoints, share, part.most));
    blob.link(at + offsetof(BackendShare, name), blob.add_text(share.name));
    add_filters(tx, endpoints, share.filters, at + offsetof(BackendShare, filters), blob);
    at += sizeof(BackendShare);
  }
  blob.link(head + offsetof(Action, route), blob.add_text(action.route));
  if (!action.rule_name.empty()) {
    blob.link(head + offsetof(Action, rule_name), blob.add_text(action.rule_name));
  }
  add_filters(tx, endpoints, action.filters, head + offsetof(Action, filters), blob);
  if (action.retry) {
    blob.link(head + offsetof(Action, retry), blob.add(retry_record(*action.retry)));
  }
  return blob.write(tx, 8);
}

}  // namespace sluice::table

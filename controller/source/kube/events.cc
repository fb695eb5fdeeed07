#include "controller/source/kube/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/write.h"
#include "controller/source/kube/times.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kManager = "sluice";
constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxMessageBytes = 1024;

kube::Resource events() {
  return {"v1", "events"};
}

// Of an object without a namespace: as client-go does.
std::string namespace_of(const model::ObjectKey& object) {
  return object.name.ns.empty() ? "default" : object.name.ns;
}

std::string api_version(model::Kind kind) {
  const std::string_view group = model::kind_group(kind);
  return fmt::format("{}{}{}", group, group.empty() ? "" : "/", model::preferred_version(kind));
}

// Whole characters of UTF-8.
std::string shortened(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U)
    --bytes;
  text.resize(bytes);
  return text;
}

}  // namespace

void Events::tell(const model::ObjectKey& object, const std::string& uid, const News& news,
                  std::uint64_t now_ms) {
  if (!may_tell(uid, now_ms)) return;
  if (queue_.size() >= kMostQueued) queue_.pop_front();
  queue_.push_back({object, uid, news});
}

bool Events::may_tell(const std::string& uid, std::uint64_t now_ms) {
  forget_old(now_ms);
  Bucket& bucket = buckets_.try_emplace(uid, Bucket{kBurst, now_ms}).first->second;
  const double refilled =
      static_cast<double>(now_ms - bucket.at_ms) / static_cast<double>(kRefillMs);
  bucket = {std::min(kBurst, bucket.tokens + refilled), now_ms};
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

// Full buckets and old events say what new ones would.
void Events::forget_old(std::uint64_t now_ms) {
  if (buckets_.size() + said_.size() < kRemembered) return;
  std::erase_if(said_, [&](const auto& each) { return each.second.at_ms + kSameMs <= now_ms; });
  std::erase_if(buckets_, [&](const auto& each) {
    const double refilled =
        static_cast<double>(now_ms - each.second.at_ms) / static_cast<double>(kRefillMs);
    return each.second.tokens + refilled >= kBurst;
  });
  if (buckets_.size() + said_.size() < kRemembered) return;
  said_.clear();
  buckets_.clear();
}

std::vector<Events::Due> Events::take_due(std::uint64_t now_ms, std::int64_t wall_us) {
  std::vector<Due> due;
  while (!queue_.empty() && under_way_.size() < kMostUnderWay) {
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    due.push_back({call_of(item, now_ms, wall_us), ++last_number_});
    under_way_[last_number_] = {item.uid, item.news.reason, item.news.message};
  }
  return due;
}

kube::Call Events::call_of(const Item& item, std::uint64_t now_ms, std::int64_t wall_us) {
  const std::string ns = namespace_of(item.object);
  const std::string now = second_time(wall_us);
  Said& said = said_[{item.uid, item.news.reason, item.news.message}];
  const bool again = !said.event.empty() && now_ms < said.at_ms + kSameMs;
  if (again) {
    said = {said.event, said.count + 1, now_ms};
    return kube::merge_patch({events(), ns, said.event},
                             {{"count", said.count}, {"lastTimestamp", now}}, kManager);
  }
  const std::string suffix = fmt::format(".{:x}{:x}", wall_us, last_number_ + 1);
  said = {shortened(item.object.name.name, kMaxNameBytes - suffix.size()) + suffix, 1, now_ms};
  return kube::create({events(), ns, said.event},
                      {{"apiVersion", "v1"},
                       {"kind", "Event"},
                       {"metadata", {{"namespace", ns}, {"name", said.event}}},
                       {"involvedObject",
                        {{"apiVersion", api_version(item.object.kind)},
                         {"kind", model::kind_name(item.object.kind)},
                         {"namespace", item.object.name.ns},
                         {"name", item.object.name.name},
                         {"uid", item.uid}}},
                       {"type", item.news.warning ? "Warning" : "Normal"},
                       {"reason", item.news.reason},
                       {"message", shortened(item.news.message, kMaxMessageBytes)},
                       {"source", {{"component", component_}}},
                       {"count", 1},
                       {"firstTimestamp", now},
                       {"lastTimestamp", now}},
                      kManager);
}

// What could not be written is not tried again: the condition says it all.
void Events::settle(std::uint64_t number, const kube::CallResult& result) {
  const auto found = under_way_.extract(number);
  problem_.clear();
  if (!found || result.outcome == kube::Outcome::kOk) return;
  said_.erase(found.mapped());  // it expired, or was never made
  const bool gone = result.outcome == kube::Outcome::kNotFound;
  if (!gone) problem_ = result.message;
}

}  // namespace sluice::source

#include "controller/source/kube/owned_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/write.h"
#include "controller/source/kube/gateway_objects.h"
#include "controller/source/kube/json_text.h"
#include "controller/source/kube/kinds.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using model::ObjectKey;
using nlohmann::json;

constexpr const char* kManager = "sluice";

}  // namespace

OwnedWriter::OwnedWriter(kube::Calls& calls, const KubeObjects& objects,
                         std::string controller_name, std::uint16_t port_offset)
    : calls_(calls),
      objects_(objects),
      controller_name_(std::move(controller_name)),
      port_offset_(port_offset),
      owned_(controller_name_) {}

void OwnedWriter::start(std::uint64_t now_ms) {
  leftovers_at_ms_ = now_ms + kLeftoversMs;
}

void OwnedWriter::show_addresses(const ObjectKey& gateway,
                                 const std::vector<std::string>& addresses) {
  addresses_[gateway] = addresses;
  if (ours_.contains(gateway)) tend(gateway);
}

void OwnedWriter::show(const ObjectKey& gateway, bool is_ours) {
  if (is_ours) {
    ours_.insert(gateway);
  } else {
    ours_.erase(gateway);
    addresses_.erase(gateway);
  }
  tend(gateway);
}

void OwnedWriter::tend(const ObjectKey& gateway) {
  const SeenObject* const seen = objects_.find(gateway);
  if (seen == nullptr) return owned_.forget(gateway);
  const json object = parse_text(seen->text);
  if (!text_at(object, "/metadata/deletionTimestamp").empty()) return owned_.forget(gateway);
  if (!ours_.contains(gateway)) return owned_.want(gateway, {});
  owned_.want(gateway,
              gateway_objects(object, {controller_name_, addresses_[gateway], port_offset_}));
}

bool OwnedWriter::touch(const ObjectKey& key) {
  owned_.touch(key);
  // A Gateway that was made anew just as it was has the status that it had, and another UID.
  if (ours_.contains(key)) tend(key);
  return drop_refusals();
}

bool OwnedWriter::drop_refusals() {
  return std::erase_if(refusals_, [this](const auto& each) { return !owned_.tends(each.first); }) !=
         0;
}

void OwnedWriter::suspect_leftovers(std::uint64_t now_ms) {
  if (leftovers_at_ms_ == 0 || now_ms < leftovers_at_ms_) return;
  leftovers_at_ms_ = 0;
  for (const auto& [key, seen] : objects_.all()) {
    const bool may_be =
        key.kind == model::Kind::kService || key.kind == model::Kind::kEndpointSlice;
    if (may_be && is_made_by(parse_text(seen.text), controller_name_)) owned_.suspect(key);
  }
}

void OwnedWriter::turn(std::uint64_t now_ms, bool may_write) {
  suspect_leftovers(now_ms);
  if (!may_write) return;
  for (const OwnedWrite& write : owned_.take(objects_, now_ms)) {
    const model::ObjectName& name = write.key.name;
    const kube::ObjectPlace place{resource_of(write.key.kind), name.ns, name.name};
    kube::Call call = write.fields.is_null()
                          ? kube::remove(place, write.uid, "")
                          : kube::apply(place, write.fields, kManager, kube::Ownership::kTakeOver);
    writes_[calls_.submit(std::move(call), now_ms)] = write.key;
  }
}

// What came of it is for the watch to tell.
bool OwnedWriter::take(const kube::CallResult& result) {
  const auto write = writes_.extract(result.id);
  if (!write) return false;
  const ObjectKey& key = write.mapped();
  const bool done = result.outcome == kube::Outcome::kOk;
  owned_.settle(key, done || result.outcome == kube::Outcome::kNotFound ||
                         result.outcome == kube::Outcome::kConflict);
  if (done) return refusals_.erase(key) != 0;
  refusals_[key] = "cannot be written: " + result.message;
  drop_refusals();  // one that is gone is removed as well
  return true;
}

int OwnedWriter::timeout_ms(std::uint64_t now_ms, bool may_write) const {
  int timeout = may_write ? owned_.timeout_ms(now_ms) : kForEver;
  if (leftovers_at_ms_ != 0) timeout = sooner(timeout, timeout_until(leftovers_at_ms_, now_ms));
  return timeout;
}

void OwnedWriter::add_problems(std::vector<model::Problem>& all) const {
  for (const auto& [key, text] : refusals_)
    all.push_back({{}, key.text(), "", text});
}

}  // namespace sluice::source

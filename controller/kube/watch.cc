#include "controller/kube/watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/timeout.h"

namespace sluice::kube {

namespace {

using Json = nlohmann::json;

std::string text_at(const Json& object, std::string_view key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? "" : found->get<std::string>();
}

const Json& member(const Json& object, std::string_view key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

Identity identity_of(const Json& object) {
  const Json& metadata = member(object, "metadata");
  return {text_at(metadata, "uid"), text_at(metadata, "namespace"), text_at(metadata, "name"),
          text_at(metadata, "resourceVersion")};
}

bool is_whole(const Identity& object) {
  return !object.uid.empty() && !object.name.empty() && !object.resource_version.empty();
}

}  // namespace

Reflector::Reflector(Transport& transport, WatchOptions options, std::uint64_t seed)
    : transport_(transport),
      options_(std::move(options)),
      backoff_(seed),
      lines_(kMaxLineBytes),
      page_objects_(options_.page_objects) {}

Reflector::~Reflector() {
  stop();
}

void Reflector::stop() {
  if (request_ != 0) transport_.cancel(request_);
  request_ = 0;
}

int Reflector::timeout_ms(std::uint64_t now_ms) const {
  if (request_ == 0) return timeout_until(due_ms_, now_ms);
  const bool bounded = step_ == Step::kWatch && bookmarks_;
  return bounded ? timeout_until(heard_ms_ + kSilentMs, now_ms) : kForEver;
}

void Reflector::poll(std::uint64_t now_ms) {
  if (request_ != 0 && timeout_ms(now_ms) == 0) {
    stop();
    go_on(now_ms);
  }
  if (request_ != 0 || now_ms < due_ms_) return;
  if (step_ == Step::kList) {
    start_list(now_ms);
  } else {
    start_watch(now_ms);
  }
}

std::string Reflector::accept(std::string_view list_suffix) const {
  if (options_.form == Form::kWhole) return "application/json";
  // Spec: meta/v1 PartialObjectMetadata, PartialObjectMetadataList
  return fmt::format("application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1", list_suffix);
}

void Reflector::start_list(std::uint64_t now_ms) {
  Request request;
  request.path =
      fmt::format("{}?limit={}", collection_path(options_.resource, options_.ns), page_objects_);
  if (!continue_.empty()) request.path += "&continue=" + percent_encoded(continue_);
  if (!options_.label_selector.empty()) {
    request.path += "&labelSelector=" + percent_encoded(options_.label_selector);
  }
  request.accept = accept("List");
  request.timeout_ms = kListMs;
  request.max_body_bytes = kMaxPageBytes;
  request_ = transport_.start(std::move(request), *this, now_ms);
}

void Reflector::start_watch(std::uint64_t now_ms) {
  const std::uint64_t length_ms = backoff_.between(kShortestWatchMs, kLongestWatchMs);
  Request request;
  request.path =
      fmt::format("{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                  collection_path(options_.resource, options_.ns),
                  percent_encoded(resource_version_), length_ms / 1000);
  if (!options_.label_selector.empty()) {
    request.path += "&labelSelector=" + percent_encoded(options_.label_selector);
  }
  request.accept = accept("");
  request.timeout_ms = length_ms + kGraceMs;
  request.max_body_bytes = 8 * kMaxLineBytes;
  request.streaming = true;
  lived_ = false;
  watch_started_ms_ = now_ms;
  heard_ms_ = now_ms;
  lines_.clear();
  request_ = transport_.start(std::move(request), *this, now_ms);
}

void Reflector::on_end(RequestId, Reply reply, std::uint64_t now_ms) {
  request_ = 0;
  if (step_ == Step::kList) {
    end_list(reply, now_ms);
  } else {
    end_watch(reply, now_ms);
  }
}

void Reflector::end_list(const Reply& reply, std::uint64_t now_ms) {
  if (reply.ending == Ending::kTooLarge && page_objects_ > 1) {
    page_objects_ = std::max<std::size_t>(page_objects_ / 4, 1);
    return;
  }
  const bool good = reply.ending == Ending::kComplete && reply.status == 200;
  if (!good) {
    list_is_refused(read_status(reply), reply, now_ms);
    return;
  }
  Json list = Json::parse(reply.body, nullptr, false);
  const Json& items = member(list, "items");
  // A list of metadata without objects has null here.
  if (!(items.is_array() || items.is_null()) ||
      text_at(member(list, "metadata"), "resourceVersion").empty()) {
    StatusReply status;
    status.message = "the answer to a list is no list";
    fail(status, nullptr, now_ms);
    return;
  }
  take_page(list, now_ms);
}

void Reflector::take_page(Json& list, std::uint64_t now_ms) {
  if (!std::exchange(listing_, true)) {
    known_.begin_list();
    if (!watch_failed_) problem_.clear();
  }
  absent_once_ = false;
  if (member(list, "items").is_array()) {
    for (Json& item : list["items"])
      take_object(item, KnownObjects::From::kList);
  }
  const Json& metadata = member(list, "metadata");
  continue_ = text_at(metadata, "continue");
  wait(0, now_ms);
  if (!continue_.empty()) return;
  resource_version_ = text_at(metadata, "resourceVersion");
  for (Identity& gone : known_.end_list())
    tell_gone(std::move(gone));
  listing_ = false;
  page_objects_ = options_.page_objects;
  synced_ = true;
  if (!watch_failed_) state_ = WatchState::kFollowing;
  step_ = Step::kWatch;
}

void Reflector::list_is_refused(const StatusReply& status, const Reply& reply,
                                std::uint64_t now_ms) {
  const bool answered = reply.ending == Ending::kComplete;
  // A token to go on with that the server forgot, or never knew.
  if (answered && listing_ && (status.code == 410 || status.code == 400)) {
    list_anew(now_ms);
  } else if (answered && status.code == 403) {
    state_ = WatchState::kForbidden;
    problem_ = status.message;
    wait(backoff_.between(kSlowMs, kSlowMs * 3 / 2), now_ms);
  } else if (answered && status.code == 404) {
    resource_is_absent(now_ms);
  } else {
    fail(status, &reply, now_ms);
  }
}

// Objects that are there go with their resource only when it is absent again: a server that starts
// may not know all of its resources yet.
void Reflector::resource_is_absent(std::uint64_t now_ms) {
  listing_ = false;
  continue_.clear();
  // What the server says depends on why, and may be no more than "404 page not found".
  problem_ = fmt::format("the API server serves no {} of {}", options_.resource.plural,
                         options_.resource.api_version);
  const bool any = known_.size() != 0 || expects_objects_;
  if (any && !std::exchange(absent_once_, true)) {
    state_ = WatchState::kFailing;
    wait(kConfirmMs, now_ms);
    return;
  }
  for (Identity& gone : known_.clear())
    tell_gone(std::move(gone));
  expects_objects_ = false;
  synced_ = false;
  state_ = WatchState::kAbsent;
  wait(backoff_.between(kSlowMs, kSlowMs * 3 / 2), now_ms);
}

void Reflector::list_anew(std::uint64_t now_ms) {
  step_ = Step::kList;
  listing_ = false;
  continue_.clear();
  go_on(now_ms);
}

// The first time at once; when that comes to nothing again, after a pause.
void Reflector::go_on(std::uint64_t now_ms) {
  const bool at_once = backoff_.is_fresh();
  const std::uint64_t pause_ms = backoff_.next_ms();
  wait(at_once ? 0 : pause_ms, now_ms);
}

bool Reflector::note_steadiness(std::uint64_t now_ms) {
  const bool steady = now_ms >= watch_started_ms_ + kSteadyMs;
  if (steady) backoff_.reset();
  return steady;
}

void Reflector::fail(const StatusReply& status, const Reply* reply, std::uint64_t now_ms) {
  state_ = WatchState::kFailing;
  problem_ = status.message;
  std::uint64_t pause_ms = backoff_.next_ms();
  if (reply != nullptr && reply->retry_after_ms) {
    pause_ms = std::max(pause_ms, std::min(*reply->retry_after_ms, kLongestRetryAfterMs));
  }
  wait(pause_ms, now_ms);
}

void Reflector::end_watch(const Reply& reply, std::uint64_t now_ms) {
  const bool opened = reply.status == 200;
  const bool steady = note_steadiness(now_ms);
  if (opened && (lived_ || steady)) {
    // How it ended does not matter.
    go_on(now_ms);
    return;
  }
  StatusReply status = read_status(reply);
  const bool refused = !opened && reply.ending == Ending::kComplete;
  if (opened && reply.ending == Ending::kComplete) status.message = "watches end at once";
  if (refused && (status.code == 410 || status.code == 400 || status.version_too_large)) {
    list_anew(now_ms);
    return;
  }
  // A list tells whether it is the watch alone.
  if (refused && (status.code == 403 || status.code == 404)) step_ = Step::kList;
  watch_failed_ = true;
  fail(status, &reply, now_ms);
}

void Reflector::on_open(RequestId, std::uint64_t) {
  watch_failed_ = false;
  state_ = WatchState::kFollowing;
  problem_.clear();
}

void Reflector::on_data(RequestId, std::string_view data, std::uint64_t now_ms) {
  heard_ms_ = now_ms;
  const std::size_t left_out = lines_.too_long();
  lines_.add(data, [&](std::string_view line) { return take_line(line, now_ms); });
  if (lines_.too_long() != left_out) {
    problem_ = fmt::format("an event of more than {} bytes was left out", kMaxLineBytes);
  }
}

bool Reflector::take_line(std::string_view line, std::uint64_t now_ms) {
  Json event = Json::parse(line, nullptr, false);
  const std::string type = text_at(event, "type");
  if (type == "ERROR") return take_error(member(event, "object"), now_ms);
  const bool known = type == "ADDED" || type == "MODIFIED" || type == "DELETED";
  if (!member(event, "object").is_object() || (!known && type != "BOOKMARK")) {
    stop();
    StatusReply status;
    status.message = "a line of a watch is no event";
    fail(status, nullptr, now_ms);
    return false;
  }
  Json& object = event["object"];
  note_version(text_at(member(object, "metadata"), "resourceVersion"));
  lived_ = true;
  bookmarks_ |= !known;
  note_steadiness(now_ms);
  if (type == "DELETED") {
    remove_object(object);
  } else if (known) {
    take_object(object, KnownObjects::From::kEvent);
  }
  return true;
}

bool Reflector::take_error(const Json& object, std::uint64_t now_ms) {
  stop();
  note_steadiness(now_ms);
  const StatusReply status = read_status(object);
  if (status.code == 410 || status.reason == "Expired" || status.version_too_large) {
    list_anew(now_ms);
  } else {
    fail(status, nullptr, now_ms);
  }
  return false;
}

void Reflector::take_object(Json& object, KnownObjects::From from) {
  Identity identity = identity_of(object);
  if (!is_whole(identity)) {
    problem_ = fmt::format("an object without uid, name or resourceVersion was left out: \"{}\"",
                           identity.name);
    return;
  }
  KnownObjects::News news = known_.put(identity, from);
  if (news.gone) tell_gone(std::move(*news.gone));
  if (!news.changed) return;
  if (object.find("apiVersion") == object.end()) {
    object["apiVersion"] = options_.resource.api_version;
  }
  if (object.find("kind") == object.end()) object["kind"] = options_.kind;
  events_.push_back({EventKind::kPut, std::move(identity), std::move(object)});
}

void Reflector::remove_object(const Json& object) {
  if (std::optional<Identity> gone = known_.remove(identity_of(object))) {
    tell_gone(std::move(*gone));
  }
}

void Reflector::tell_gone(Identity object) {
  events_.push_back({EventKind::kDelete, std::move(object), {}});
}

// Events out of order must not take the next watch back.
void Reflector::note_version(const std::string& resource_version) {
  const auto order = compare_versions(resource_version, resource_version_);
  if (resource_version.empty() || order == std::strong_ordering::less) return;
  resource_version_ = resource_version;
}

}  // namespace sluice::kube

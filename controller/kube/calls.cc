#include "controller/kube/calls.h"

#include "controller/kube/status_reply.h"

namespace sluice::kube {

namespace {

Outcome outcome_of(int status) {
  if (status >= 200 && status < 300) return Outcome::kOk;
  switch (status) {
    case 401:
    case 403:
      return Outcome::kForbidden;
    case 404:
      return Outcome::kNotFound;
    case 409:
      return Outcome::kConflict;
    case 429:
      return Outcome::kThrottled;
    default:
      return status >= 500 ? Outcome::kUnavailable : Outcome::kInvalid;
  }
}

}  // namespace

Calls::~Calls() {
  for (const auto& [request, call] : under_way_)
    transport_.cancel(request);
}

CallId Calls::submit(Call call, std::uint64_t now_ms) {
  const bool first = !queues_.contains(call.key);
  const CallId id = ++last_id_;
  queues_[call.key].push_back({id, std::move(call.request)});
  if (first) send_next(call.key, now_ms);
  return id;
}

void Calls::drop_waiting(const std::string& key) {
  const auto queue = queues_.find(key);
  if (queue != queues_.end()) queue->second.clear();
}

void Calls::send_next(const std::string& key, std::uint64_t now_ms) {
  std::deque<Waiting>& queue = queues_[key];
  if (queue.empty()) {
    queues_.erase(key);
    return;
  }
  Waiting next = std::move(queue.front());
  queue.pop_front();
  const RequestId request = transport_.start(std::move(next.request), *this, now_ms);
  under_way_[request] = {key, next.id};
}

void Calls::on_end(RequestId request, Reply reply, std::uint64_t now_ms) {
  auto call = under_way_.extract(request);
  if (call.empty()) return;
  CallResult result;
  std::tie(result.key, result.id) = call.mapped();
  result.status = reply.status;
  result.retry_after_ms = reply.retry_after_ms;
  if (reply.ending == Ending::kComplete) result.outcome = outcome_of(reply.status);
  if (reply.ending == Ending::kTooLarge) result.outcome = Outcome::kInvalid;
  if (result.outcome == Outcome::kOk) {
    result.object = nlohmann::json::parse(reply.body, nullptr, false);
    if (result.object.is_discarded()) {
      result.object = nullptr;
      result.outcome = Outcome::kUnavailable;
      result.message = "the answer is no JSON";
    }
  } else {
    StatusReply said = read_status(reply);
    result.reason = std::move(said.reason);
    result.message = std::move(said.message);
  }
  send_next(result.key, now_ms);
  results_.push_back(std::move(result));
}

Call fetch(const Resource& resource, std::string_view ns, std::string_view name) {
  return fetch_path(object_path(resource, ns, name));
}

Call fetch_path(std::string path) {
  Call call{path, {}};
  call.request.path = std::move(path);
  return call;
}

}  // namespace sluice::kube

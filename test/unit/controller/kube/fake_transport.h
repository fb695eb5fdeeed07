// A transport that a test answers by hand: nothing is sent, and time is what the test says.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/transport.h"

namespace sluice::kube {

class FakeTransport final : public Transport {
 public:
  RequestId start(Request request, Receiver& receiver, std::uint64_t) override {
    open_[++last_id_] = {std::move(request), &receiver};
    return last_id_;
  }

  void cancel(RequestId id) override { open_.erase(id); }

  std::size_t under_way() const { return open_.size(); }

  std::uint64_t started() const { return last_id_; }

  // The newest request under way.
  const Request& request() const { return newest()->second.first; }

  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const auto& [id, each] : open_)
      all.push_back(each.first.path);
    return all;
  }

  void reply(int status, const std::string& body, std::uint64_t now_ms) {
    Reply reply;
    reply.ending = Ending::kComplete;
    reply.status = status;
    reply.body = body;
    end(reply, now_ms);
  }

  void begin(std::uint64_t now_ms) {
    const auto [id, each] = *newest();
    each.second->on_open(id, now_ms);
  }

  void data(const std::string& text, std::uint64_t now_ms) {
    const auto [id, each] = *newest();
    each.second->on_data(id, text, now_ms);
  }

  void end(Reply reply, std::uint64_t now_ms) {
    const auto [id, each] = *newest();
    open_.erase(id);
    each.second->on_end(id, std::move(reply), now_ms);
  }

  void end(Ending ending, int status, std::uint64_t now_ms) {
    Reply reply;
    reply.ending = ending;
    reply.status = status;
    if (ending != Ending::kComplete) reply.failure = "the connection broke";
    end(reply, now_ms);
  }

 private:
  using Open = std::map<RequestId, std::pair<Request, Receiver*>>;

  Open::const_iterator newest() const {
    if (open_.empty()) std::abort();
    return std::prev(open_.end());
  }

  Open open_;
  RequestId last_id_ = 0;
};

}  // namespace sluice::kube

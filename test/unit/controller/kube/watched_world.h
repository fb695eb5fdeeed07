// A reflector in virtual time, on a transport that the test answers, and what its events add up to.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/kube/watch.h"
#include "test/unit/controller/kube/fake_transport.h"

namespace sluice::kube {

inline nlohmann::json object_json(const std::string& name, int version, const std::string& uid) {
  return {{"metadata",
           {{"name", name},
            {"namespace", "default"},
            {"uid", uid},
            {"resourceVersion", std::to_string(version)}}}};
}

inline nlohmann::json object_json(const std::string& name, int version) {
  return object_json(name, version, "uid-" + name);
}

inline std::string list_json(const std::vector<nlohmann::json>& items, int version,
                             const std::string& next_page = "") {
  nlohmann::json list = {{"kind", "List"},
                         {"metadata", {{"resourceVersion", std::to_string(version)}}},
                         {"items", items}};
  if (!next_page.empty()) list["metadata"]["continue"] = next_page;
  return list.dump();
}

inline std::string event_json(const std::string& type, const nlohmann::json& object) {
  return nlohmann::json({{"type", type}, {"object", object}}).dump() + "\n";
}

inline std::string bookmark_json(int version) {
  return event_json("BOOKMARK", {{"metadata", {{"resourceVersion", std::to_string(version)}}}});
}

inline nlohmann::json status_json(int code, const std::string& reason) {
  return {{"kind", "Status"},
          {"status", "Failure"},
          {"code", code},
          {"reason", reason},
          {"message", reason + " it is"}};
}

class WatchedWorld : public ::testing::Test {
 protected:
  // Goes on until something is under way, at most `ms`; returns how long that took.
  std::uint64_t wait_for_request(std::uint64_t ms = 200'000) {
    const std::uint64_t from_ms = now_ms_;
    while (transport_.under_way() == 0 && now_ms_ <= from_ms + ms) {
      const int timeout = reflector_.timeout_ms(now_ms_);
      now_ms_ += static_cast<std::uint64_t>(std::max(timeout, 0));
      reflector_.poll(now_ms_);
    }
    return now_ms_ - from_ms;
  }

  void pass(std::uint64_t ms) {
    now_ms_ += ms;
    reflector_.poll(now_ms_);
  }

  void reply(int status, const std::string& body) { transport_.reply(status, body, now_ms_); }

  void refuse(int code, const std::string& reason) {
    reply(code, status_json(code, reason).dump());
  }

  void data(const std::string& text) { transport_.data(text, now_ms_); }

  // Lists, and starts the watch.
  void list(const std::vector<nlohmann::json>& items, int version) {
    wait_for_request();
    reply(200, list_json(items, version));
    open_watch();
  }

  void open_watch() {
    wait_for_request();
    transport_.begin(now_ms_);
  }

  void drop() { transport_.end(Ending::kNetwork, 200, now_ms_); }

  // "put default/a 5" or "delete default/a 6", in their order.
  std::vector<std::string> take() {
    std::vector<std::string> all;
    for (const WatchEvent& event : reflector_.take_events()) {
      const char* const kind = event.kind == EventKind::kPut ? "put " : "delete ";
      all.push_back(kind + event.object.ns + "/" + event.object.name + " " +
                    event.object.resource_version);
    }
    return all;
  }

  bool is_watching() const {
    return transport_.under_way() == 1 &&
           transport_.request().path.find("watch=true") != std::string::npos;
  }

  bool asks_for(const std::string& part) const {
    return transport_.request().path.find(part) != std::string::npos;
  }

  FakeTransport transport_;
  std::uint64_t now_ms_ = 1'000'000;
  Reflector reflector_{
      transport_,
      {.resource = {"gateway.networking.k8s.io/v1", "httproutes"}, .kind = "HTTPRoute"},
      7};
};

}  // namespace sluice::kube

// An API server in the test's own thread, with the objects that a test puts there: it lists them,
// tells watches of them and answers single requests. What is written it only notes.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "test/harness/api_server.h"
#include "test/harness/certificates.h"

namespace sluice::source {

class ServedObjects {
 public:
  using Json = nlohmann::json;
  using Exchange = ApiServer::Exchange;

  ServedObjects() : server_(certificate_, ApiServer::Protocol::kHttp2) {
    server_.handle([this](const Exchange& exchange) { take(exchange); });
  }

  // `collection`: "/api/v1/secrets". What a test does not say of the metadata is made up here.
  // Returns the object as it is served.
  Json put(const std::string& collection, Json object) {
    Json& metadata = object["metadata"];
    const std::string name = metadata.value("namespace", "") + "/" + metadata.value("name", "");
    metadata["resourceVersion"] = std::to_string(++version_);
    if (!metadata.contains("uid")) metadata["uid"] = collection + name;
    if (!metadata.contains("generation")) metadata["generation"] = 1;
    const bool known = objects_[collection].contains(name);
    objects_[collection][name] = object;
    tell(collection, known ? "MODIFIED" : "ADDED", object);
    return object;
  }

  void remove(const std::string& collection, const std::string& name) {
    Json object = objects_[collection].extract(name).mapped();
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    tell(collection, "DELETED", object);
  }

  // Of one object, or of a whole collection; 404 where the collection is absent.
  void forbid(const std::string& path) { refused_[path] = 403; }

  void make_absent(const std::string& collection) { refused_[collection] = 404; }

  void serve_again(const std::string& path) { refused_.erase(path); }

  // Nothing but 503 until it comes back.
  void go_away() {
    away_ = true;
    watches_.clear();
    server_.drop_connections();
  }

  void come_back() { away_ = false; }

  void answer(const Exchange& write, int status, const Json& body) {
    server_.answer(write.id, status, body.dump());
  }

  std::size_t fetches(const std::string& path) const {
    return static_cast<std::size_t>(std::ranges::count(fetched_, path));
  }

  std::string kubeconfig(const std::string& authority_file) const {
    return "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
           "clusters: [{name: c, cluster: {server: '" +
           server_.url() + "', certificate-authority: " + authority_file +
           "}}]\nusers: [{name: u, user: {token: t}}]\n";
  }

  const std::string& authority() const { return certificate_.certificate; }

  ApiServer& server() { return server_; }

  std::vector<Exchange> writes;    // of statuses
  std::vector<Exchange> services;  // writes of them
  std::vector<Json> events;
  std::vector<Exchange> while_away;

 private:
  void take(const Exchange& exchange) {
    const std::string path = exchange.path.substr(0, exchange.path.find('?'));
    if (away_) {
      while_away.push_back(exchange);
      return refuse(exchange, 503, "ServiceUnavailable");
    }
    if (path.find("/leases") != std::string::npos) return grant(exchange);
    if (path.ends_with("/events")) return events.push_back(Json::parse(exchange.body));
    if (exchange.method != "GET" && path.find("/services/") != std::string::npos) {
      return services.push_back(exchange);
    }
    if (exchange.method != "GET") return writes.push_back(exchange);
    if (exchange.path.find("watch=true") != std::string::npos) {
      watches_[path] = exchange.id;
      return server_.begin(exchange.id, 200);
    }
    const bool single = path.find("/namespaces/") != std::string::npos;
    if (single) fetched_.push_back(path);
    if (const auto found = refused_.find(path); found != refused_.end()) {
      return refuse(exchange, found->second, found->second == 403 ? "Forbidden" : "NotFound");
    }
    if (!single) {
      Json items = Json::array();
      for (const auto& [name, object] : objects_[path])
        items.push_back(object);
      const Json list = {{"metadata", {{"resourceVersion", std::to_string(version_)}}},
                         {"items", items}};
      return server_.answer(exchange.id, 200, list.dump());
    }
    for (const auto& [collection, objects] : objects_) {
      for (const auto& [name, object] : objects) {
        if (path == path_of(collection, name)) {
          return server_.answer(exchange.id, 200, object.dump());
        }
      }
    }
    refuse(exchange, 404, "NotFound");
  }

  static std::string path_of(const std::string& collection, const std::string& name) {
    const std::size_t version_end = collection.rfind('/');
    const std::size_t slash = name.find('/');
    return collection.substr(0, version_end) + "/namespaces/" + name.substr(0, slash) +
           collection.substr(version_end) + name.substr(slash);
  }

  // Whoever asks for the Lease gets it.
  void grant(const Exchange& exchange) {
    if (exchange.method == "GET") return refuse(exchange, 404, "NotFound");
    Json lease = Json::parse(exchange.body);
    lease["metadata"]["resourceVersion"] = std::to_string(++version_);
    server_.answer(exchange.id, exchange.method == "POST" ? 201 : 200, lease.dump());
  }

  void refuse(const Exchange& exchange, int status, const std::string& reason) {
    const Json body = {{"kind", "Status"},    {"apiVersion", "v1"},
                       {"status", "Failure"}, {"code", status},
                       {"reason", reason},    {"message", reason + " by the test"}};
    server_.answer(exchange.id, status, body.dump());
  }

  void tell(const std::string& collection, const std::string& type, const Json& object) {
    const auto watch = watches_.find(collection);
    if (watch == watches_.end()) return;
    server_.send(watch->second, Json{{"type", type}, {"object", object}}.dump() + "\n");
  }

  TestCertificate certificate_ = make_certificate("localhost");
  ApiServer server_;
  std::map<std::string, std::map<std::string, Json>> objects_;  // collection -> "ns/name"
  std::map<std::string, std::uint64_t> watches_;
  std::map<std::string, int> refused_;  // path -> status
  std::vector<std::string> fetched_;
  std::uint64_t version_ = 100;
  bool away_ = false;
};

}  // namespace sluice::source

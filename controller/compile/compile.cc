#include "controller/compile/compile.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "controller/compile/rules.h"

namespace sluice::compile {
namespace {

table::ListenerMode to_mode(resolve::ListenerMode mode) {
  switch (mode) {
    case resolve::ListenerMode::kHttp:
      return table::ListenerMode::kHttp;
    case resolve::ListenerMode::kTlsPassthrough:
      return table::ListenerMode::kTlsPassthrough;
    case resolve::ListenerMode::kTlsTerminate:
      return table::ListenerMode::kTlsTerminate;
    case resolve::ListenerMode::kTcp:
      return table::ListenerMode::kTcp;
    case resolve::ListenerMode::kUdp:
      return table::ListenerMode::kUdp;
  }
  return table::ListenerMode::kHttp;
}

table::ListenerSpec to_spec(std::uint32_t id, const resolve::ServedListener& listener,
                            StoredCertificates certificates) {
  table::ListenerSpec spec;
  spec.id = id;
  spec.gateway = listener.key.gateway.text();
  spec.name = listener.key.name();
  spec.hostname = to_host(listener.hostname);
  spec.port = listener.port;
  spec.client_port = listener.client_port;
  for (const resolve::Socket& socket : listener.sockets) {
    if (const auto key = to_socket_key(socket)) spec.sockets.push_back(*key);
  }
  spec.options = {.trusted_proxies = listener.options.trusted_proxies,
                  .max_body_bytes = listener.options.max_body_bytes,
                  .max_header_bytes = listener.options.max_header_bytes,
                  .max_uri_bytes = listener.options.max_uri_bytes};
  spec.proxy_protocol = listener.proxy_protocol;
  spec.backend_proxy_protocol = listener.backend_proxy_protocol;
  spec.mode = to_mode(listener.mode);
  spec.client_certificate = std::move(certificates.client_certificate);
  if (!listener.tls) return spec;
  table::ListenerTlsSpec& tls = spec.tls.emplace();
  tls.certificates = std::move(certificates.served);
  tls.min_version =
      listener.tls->only_tls13 ? table::TlsVersion::kTls13 : table::TlsVersion::kTls12;
  tls.ciphers = listener.tls->ciphers;
  if (certificates.authorities && listener.tls->clients) {
    tls.authorities = *std::move(certificates.authorities);
    tls.client_validation = listener.tls->clients->insecure_fallback
                                ? table::ClientValidation::kAllowInsecureFallback
                                : table::ClientValidation::kAllowValidOnly;
  }
  return spec;
}

void add_patterns(const model::HttpRouteMatch& match, std::set<std::string>& patterns) {
  if (match.path.type == model::PathMatchType::kRegularExpression) {
    patterns.insert(match.path.value);
  }
  for (const auto* const conditions : {&match.headers, &match.query_params}) {
    for (const model::NameMatch& condition : *conditions) {
      if (condition.regex) patterns.insert(condition.value);
    }
  }
}

std::set<std::string> patterns_of(const resolve::Delta& delta) {
  std::set<std::string> patterns;
  for (const resolve::ServedRoute& route : delta.routes) {
    if (route.attachments.empty()) continue;
    for (const resolve::ResolvedRule& rule : route.rules) {
      for (const model::HttpRouteMatch& match : rule.matches) {
        add_patterns(match, patterns);
      }
    }
  }
  return patterns;
}

}  // namespace

Result<void> Compiler::apply_endpoints(const resolve::Delta& delta) {
  for (const resolve::ServedBackend& backend : delta.backends) {
    std::vector<table::EndpointAddress> endpoints;
    endpoints.reserve(backend.addresses.size());
    for (const resolve::BackendAddress& address : backend.addresses) {
      if (auto endpoint = to_endpoint(address)) endpoints.push_back(std::move(*endpoint));
    }
    Result<table::SlotRef> slot = endpoints_.put(backend.id, endpoints, to_backend_tls(backend));
    if (!slot) return propagate(std::move(slot), "publishing the endpoints of " + backend.id);
  }
  return {};
}

bool Compiler::apply_patterns(const resolve::Delta& delta) {
  const std::set<std::string> patterns = patterns_of(delta);
  if (patterns.empty()) return false;
  return editor_.put_patterns(std::vector<std::string>(patterns.begin(), patterns.end()));
}

void Compiler::apply_rules(const resolve::Delta& delta) {
  // What leaves goes first, so that no two listeners claim one place in between.
  std::map<model::ObjectKey, std::set<Place>> places;
  for (const resolve::ServedRoute& route : delta.routes) {
    leave_places(route.key, places[route.key] = places_of(route));
  }
  for (const model::ObjectKey& route : delta.routes_gone)
    leave_places(route, {});
  for (const resolve::ListenerKey& key : delta.listeners_gone) {
    const auto known = listener_ids_.find(key);
    if (known != listener_ids_.end()) editor_.remove_listener(known->second);
    certificates_.leave(key);
  }
  for (const resolve::ServedListener& listener : delta.listeners) {
    editor_.put_listener(
        to_spec(listener_id(listener.key), listener, certificates_.take(listener.key)));
  }
  for (const resolve::ServedRoute& route : delta.routes) {
    const std::set<Place>& now = places[route.key];
    if (now.empty()) continue;
    const std::vector<table::Rule> rules = to_rules(route);
    for (const auto& [listener, hostname] : now) {
      editor_.put_route(listener, hostname, route.key.text(), rules);
    }
    places_[route.key] = now;
  }
}

void Compiler::release(const resolve::Delta& delta, std::uint64_t now_ms) {
  certificates_.release(now_ms);
  for (const resolve::BackendId& backend : delta.backends_gone)
    endpoints_.remove(backend);
}

std::uint32_t Compiler::listener_id(const resolve::ListenerKey& key) {
  const auto [known, added] = listener_ids_.try_emplace(key, next_listener_id_);
  if (added) ++next_listener_id_;
  return known->second;
}

std::set<Compiler::Place> Compiler::places_of(const resolve::ServedRoute& route) {
  std::set<Place> places;
  for (const resolve::Attachment& attachment : route.attachments) {
    for (const std::string& hostname : attachment.hostnames) {
      places.emplace(listener_id(attachment.listener), to_host(hostname));
    }
  }
  return places;
}

void Compiler::leave_places(const model::ObjectKey& route, const std::set<Place>& except) {
  const auto known = places_.find(route);
  if (known == places_.end()) return;
  for (const auto& place : known->second) {
    if (except.contains(place)) continue;
    editor_.put_route(place.first, place.second, route.text(), {});
  }
  places_.erase(known);
}

}  // namespace sluice::compile

// After any sequence of changes a Resolver has told the same as a fresh one that saw only the
// objects left over.
//
// SLUICE_RESOLVE_CHANGES: how many changes (default 10,000); SLUICE_SEED: the random seed
// (printed).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/resolve.h"

namespace sluice::resolve {
namespace {

using model::Change;
using model::Kind;
using model::ObjectKey;
using model::ObjectName;

constexpr int kDefaultChanges = 10'000;
constexpr int kMaxBatch = 4;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What all Deltas so far add up to.
struct Told {
  std::map<ListenerKey, ServedListener> listeners;
  std::map<ObjectKey, ServedRoute> routes;
  std::map<BackendId, ServedBackend> backends;
  std::map<ObjectKey, ObjectFindings> findings;

  // Fails when the Delta says what was said already or takes back what was never said.
  void add(const Delta& delta) {
    for (const ListenerKey& key : delta.listeners_gone)
      EXPECT_EQ(listeners.erase(key), 1U) << key.text();
    for (const ObjectKey& key : delta.routes_gone)
      EXPECT_EQ(routes.erase(key), 1U) << key.text();
    for (const BackendId& id : delta.backends_gone)
      EXPECT_EQ(backends.erase(id), 1U) << id;
    for (const ObjectKey& key : delta.findings_gone)
      EXPECT_EQ(findings.erase(key), 1U) << key.text();
    for (const ServedListener& listener : delta.listeners)
      replace(listeners, listener.key, listener);
    for (const ServedRoute& route : delta.routes)
      replace(routes, route.key, route);
    for (const ServedBackend& backend : delta.backends)
      replace(backends, backend.id, backend);
    for (const SharedFindings& finding : delta.findings)
      replace(findings, finding->object, *finding);
  }

  bool operator==(const Told&) const = default;

 private:
  template <class Key, class Value>
  static void replace(std::map<Key, Value>& told, const Key& key, const Value& value) {
    const auto known = told.find(key);
    EXPECT_FALSE(known != told.end() && known->second == value) << "told twice";
    told.insert_or_assign(key, value);
  }
};

// A small world in which almost everything that can refer to something else does.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  Change next_change() {
    const ObjectKey key = pick_key();
    if (one_in(5)) return {key, nullptr};
    return {key, make(key)};
  }

  model::HostAnswer next_answer() {
    model::HostAnswer answer{hostname(), {}};
    const int addresses = below(3);
    for (int i = 0; i < addresses; ++i)
      answer.addresses.push_back("10.2.0." + std::to_string(i + below(2)));
    return answer;
  }

  int batch_size() { return below(kMaxBatch) + 1; }

 private:
  using ObjectPtr = std::shared_ptr<const model::Object>;

  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  bool one_in(int count) { return below(count) == 0; }

  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<int>(choices.size())));
  }

  std::string hostname() {
    return one_of<std::string>({"one.example.com", "two.example.com", "three.example.com"});
  }

  std::string ns() { return one_of<std::string>({"a", "b", "a-b"}); }

  ObjectKey pick_key() {
    switch (below(14)) {
      case 0:
        return {Kind::kGatewayClass, {"", one_of<std::string>({"sluice", "other"})}};
      case 1:
      case 2:
        return {Kind::kGateway, {ns(), one_of<std::string>({"gw", "edge"})}};
      case 3:
        return {Kind::kReferenceGrant, {ns(), one_of<std::string>({"g", "h"})}};
      case 4:
        return {Kind::kService, {ns(), one_of<std::string>({"s", "t"})}};
      case 5:
      case 6:
        return {Kind::kEndpointSlice, {ns(), one_of<std::string>({"s1", "s2", "t1"})}};
      case 7:
        return {Kind::kNamespace, {"", ns()}};
      case 8:
        return {Kind::kBackend, {ns(), "k"}};
      case 9:
      case 10:
        return {Kind::kListenerSet, {ns(), one_of<std::string>({"set", "gw"})}};
      default:
        return {one_of({Kind::kHttpRoute, Kind::kHttpRoute, Kind::kGrpcRoute, Kind::kTlsRoute,
                        Kind::kTcpRoute, Kind::kUdpRoute}),
                {ns(), one_of<std::string>({"r", "q", "p"})}};
    }
  }

  model::Meta make_meta(const ObjectKey& key) {
    model::Meta meta;
    meta.name = key.name;
    meta.generation = below(3) + 1;
    if (one_in(2)) meta.created = below(3);
    return meta;
  }

  ObjectPtr make(const ObjectKey& key) {
    switch (key.kind) {
      case Kind::kGatewayClass:
        return make_class(key);
      case Kind::kGateway:
        return make_gateway(key);
      case Kind::kListenerSet:
        return make_listener_set(key);
      case Kind::kReferenceGrant:
        return make_grant(key);
      case Kind::kService:
        return make_service(key);
      case Kind::kEndpointSlice:
        return make_slice(key);
      case Kind::kNamespace:
        return make_namespace(key);
      case Kind::kBackend:
        return make_backend(key);
      case Kind::kGrpcRoute:
        return make_grpc_route(key);
      case Kind::kTlsRoute:
        return make_stream_route<model::TlsRoute>(key);
      case Kind::kTcpRoute:
        return make_stream_route<model::TcpRoute>(key);
      case Kind::kUdpRoute:
        return make_stream_route<model::UdpRoute>(key);
      default:
        return make_http_route(key);
    }
  }

  template <class T>
  static ObjectPtr share(T object) {
    return std::make_shared<const model::Object>(std::move(object));
  }

  ObjectPtr make_class(const ObjectKey& key) {
    model::GatewayClass object;
    object.meta = make_meta(key);
    object.controller_name = one_in(4) ? "someone.else/controller" : Options{}.controller_name;
    if (one_in(6)) object.parameters_ref = {"sluice.dev", "GatewayParameters", "x", std::nullopt};
    return share(object);
  }

  model::Listener make_listener(int index) {
    model::Listener listener;
    listener.name = "l" + std::to_string(index);
    listener.port = one_of<std::uint16_t>({80, 80, 81, 82, 83});
    listener.protocol = one_of<std::string>({"HTTP", "HTTP", "HTTP", "HTTP", "UDP", "X"});
    if (one_in(3)) listener.protocol = one_of<std::string>({"HTTPS", "TCP", "TLS", "TLS"});
    if (listener.protocol == "TLS") {
      listener.tls = {.mode = one_of<std::string>({"Passthrough", "Terminate"}),
                      .certificate_refs = {},
                      .options = {}};
    }
    if (!one_in(3) && listener.protocol != "TCP" && listener.protocol != "UDP") {
      listener.hostname = one_of<std::string>({"a.example.com", "*.example.com", "b.org"});
    }
    listener.allowed_routes.from =
        one_of({model::FromNamespaces::kAll, model::FromNamespaces::kSame,
                model::FromNamespaces::kSelector});
    listener.allowed_routes.selector.match_labels = {{"team", one_of<std::string>({"x", "y"})}};
    if (one_in(8)) listener.allowed_routes.kinds = {{"gateway.networking.k8s.io", "GRPCRoute"}};
    return listener;
  }

  std::vector<model::Listener> make_listeners() {
    std::vector<model::Listener> listeners;
    const int count = below(3) + 1;
    listeners.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      listeners.push_back(make_listener(i));
    return listeners;
  }

  ObjectPtr make_listener_set(const ObjectKey& key) {
    model::ListenerSet object;
    object.meta = make_meta(key);
    object.parent = {.group = "gateway.networking.k8s.io",
                     .kind = one_in(10) ? "Service" : "Gateway",
                     .name = one_of<std::string>({"gw", "gw", "edge"}),
                     .ns = std::nullopt};
    if (one_in(2)) object.parent.ns = ns();
    object.listeners = make_listeners();
    return share(object);
  }

  ObjectPtr make_gateway(const ObjectKey& key) {
    model::Gateway object;
    object.meta = make_meta(key);
    object.class_name = one_of<std::string>({"sluice", "sluice", "sluice", "other"});
    object.listeners = make_listeners();
    object.allowed_listeners.from = one_of(
        {model::FromNamespaces::kAll, model::FromNamespaces::kAll, model::FromNamespaces::kSame,
         model::FromNamespaces::kSelector, model::FromNamespaces::kNone});
    object.allowed_listeners.selector.match_labels = {{"team", one_of<std::string>({"x", "y"})}};
    if (one_in(4))
      object.addresses = {{"IPAddress", one_of<std::string>({"10.0.0.1", "224.0.0.1"})}};
    if (one_in(10)) object.addresses.push_back({"Hostname", "gateway.example.com"});
    return share(object);
  }

  ObjectPtr make_grant(const ObjectKey& key) {
    model::ReferenceGrant object;
    object.meta = make_meta(key);
    object.from = {{"gateway.networking.k8s.io",
                    one_of<std::string>({"HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute"}), ns()}};
    object.to = {{"", "Service", std::nullopt}};
    if (one_in(3)) object.to.front().name = "s";
    if (one_in(3)) object.to.push_back({"sluice.dev", "Backend", std::nullopt});
    return share(object);
  }

  ObjectPtr make_service(const ObjectKey& key) {
    model::Service object;
    object.meta = make_meta(key);
    if (one_in(10)) object.type = "ExternalName";
    model::ServicePort port;
    port.name = one_of<std::string>({"http", "", "web"});
    port.port = one_of<std::uint16_t>({80, 80, 81});
    port.target_port = "8080";
    if (one_in(8)) port.app_protocol = "kubernetes.io/h2c";
    object.ports = {port};
    if (one_in(2)) {
      port.protocol = "UDP";
      object.ports.push_back(port);
    }
    return share(object);
  }

  ObjectPtr make_slice(const ObjectKey& key) {
    model::EndpointSlice object;
    object.meta = make_meta(key);
    object.service = one_of<std::string>({"s", "s", "t", ""});
    object.address_type = "IPv4";
    const int endpoints = below(3);
    for (int i = 0; i < endpoints; ++i) {
      model::SliceEndpoint endpoint;
      endpoint.addresses = {"10.1.0." + std::to_string(below(4))};
      endpoint.ready = !one_in(4);
      endpoint.terminating = one_in(6);
      object.endpoints.push_back(endpoint);
    }
    object.ports = {{one_of<std::string>({"http", "", "web"}),
                     one_of<std::string>({"TCP", "TCP", "UDP"}), std::uint16_t{8080}}};
    return share(object);
  }

  ObjectPtr make_namespace(const ObjectKey& key) {
    model::Namespace object;
    object.meta = make_meta(key);
    object.meta.labels = {{"kubernetes.io/metadata.name", key.name.name},
                          {"team", one_of<std::string>({"x", "y", "z"})}};
    return share(object);
  }

  ObjectPtr make_backend(const ObjectKey& key) {
    model::Backend object;
    object.meta = make_meta(key);
    object.endpoints = {{"127.0.0.1", one_of<std::uint16_t>({1000, 1001}), ""}};
    while (!one_in(3))
      object.endpoints.push_back({"", one_of<std::uint16_t>({1000, 1002}), "", hostname()});
    return share(object);
  }

  model::BackendRef make_ref() {
    model::BackendRef ref;
    if (one_in(4)) {
      ref.group = "sluice.dev";
      ref.kind = "Backend";
      ref.name = "k";
    } else {
      ref.name = one_of<std::string>({"s", "t", "missing"});
      ref.port = one_of<std::uint16_t>({80, 80, 81});
    }
    if (one_in(12)) ref.kind = "Bucket";
    if (one_in(3)) ref.ns = ns();
    ref.weight = static_cast<std::uint32_t>(below(3));
    return ref;
  }

  std::vector<model::HttpFilter> make_filters() {
    std::vector<model::HttpFilter> filters;
    if (one_in(4)) filters.push_back(model::RequestMirror{.backend = make_ref()});
    if (one_in(4)) filters.push_back(model::RequestHeaderModifier{{{}, {}, {"a"}}});
    if (one_in(6)) filters.push_back(model::RequestMirror{.backend = make_ref(), .numerator = 1});
    return filters;
  }

  std::vector<model::ParentRef> make_parents() {
    std::vector<model::ParentRef> refs;
    const int parents = below(3);
    for (int i = 0; i < parents; ++i) {
      model::ParentRef parent{.group = "gateway.networking.k8s.io",
                              .kind = one_of<std::string>({"Gateway", "Gateway", "ListenerSet"}),
                              .ns = std::nullopt,
                              .name = one_of<std::string>({"gw", "gw", "edge", "set"}),
                              .section_name = std::nullopt,
                              .port = std::nullopt};
      if (one_in(10)) parent.kind = "Service";
      if (one_in(2)) parent.ns = ns();
      if (one_in(3)) parent.section_name = one_of<std::string>({"l0", "l1", "l9"});
      if (one_in(4)) parent.port = one_of<std::uint16_t>({80, 81});
      refs.push_back(parent);
    }
    return refs;
  }

  void fill_head(const ObjectKey& key, model::Route& route) {
    route.meta = make_meta(key);
    route.parent_refs = make_parents();
    if (one_in(2)) route.hostnames = {"a.example.com"};
    if (one_in(3)) route.hostnames.push_back("*.org");
    if (one_in(15)) route.unserved = {"spec.rules[0].filters[0] is not served"};
  }

  void fill_head(model::RouteRule& rule) {
    const int refs = below(3);
    for (int j = 0; j < refs; ++j)
      rule.backend_refs.push_back({make_ref(), make_filters()});
    rule.filters = make_filters();
  }

  ObjectPtr make_http_route(const ObjectKey& key) {
    model::HttpRoute object;
    fill_head(key, object);
    const int rules = below(3);
    for (int i = 0; i < rules; ++i) {
      model::HttpRouteRule rule;
      rule.matches = {{.path = {model::PathMatchType::kPathPrefix, one_in(2) ? "/" : "/x"},
                       .headers = {},
                       .query_params = {},
                       .method = std::nullopt}};
      if (one_in(12)) rule.matches.front().path = {model::PathMatchType::kRegularExpression, "("};
      fill_head(rule);
      if (one_in(4)) rule.timeouts.request_ms = below(2);
      if (one_in(4)) rule.retry = model::RouteRetry{.attempts = 2, .backoff_ms = {}, .codes = {}};
      object.rules.push_back(rule);
    }
    return share(object);
  }

  ObjectPtr make_grpc_route(const ObjectKey& key) {
    model::GrpcRoute object;
    fill_head(key, object);
    const int rules = below(3);
    for (int i = 0; i < rules; ++i) {
      model::GrpcRouteRule rule;
      rule.matches = {
          {.method = {one_in(4), one_of<std::string>({"", "a", "("}), "b"}, .headers = {}}};
      fill_head(rule);
      object.rules.push_back(rule);
    }
    return share(object);
  }

  template <class T>
  ObjectPtr make_stream_route(const ObjectKey& key) {
    T object;
    object.meta = make_meta(key);
    object.parent_refs = make_parents();
    if (key.kind == Kind::kTlsRoute) {
      object.hostnames = {one_of<std::string>({"a.example.com", "*.com", "b.org"})};
    }
    model::RouteRule& rule = object.rules.emplace_back();
    const int refs = below(3) + 1;
    for (int i = 0; i < refs; ++i)
      rule.backend_refs.push_back({make_ref()});
    return share(object);
  }

  std::mt19937_64 random_;
};

std::vector<Change> all_objects(const model::Store& store) {
  std::vector<Change> changes;
  for (const Kind kind :
       {Kind::kGatewayClass, Kind::kGateway, Kind::kListenerSet, Kind::kHttpRoute, Kind::kGrpcRoute,
        Kind::kTlsRoute, Kind::kTcpRoute, Kind::kUdpRoute, Kind::kReferenceGrant, Kind::kService,
        Kind::kEndpointSlice, Kind::kNamespace, Kind::kBackend}) {
    for (const auto& [name, object] : store.all(kind))
      changes.push_back({{kind, name}, object});
  }
  return changes;
}

using Answers = std::map<std::string, model::HostAnswer>;

Told told_afresh(const model::Store& store, const Answers& answers) {
  std::vector<model::HostAnswer> all;
  for (const auto& [hostname, answer] : answers)
    all.push_back(answer);
  Resolver resolver{Options{}};
  Told told;
  told.add(resolver.apply(store, all_objects(store), all));
  return told;
}

std::string text_of(const std::string& key) {
  return key;
}

template <class Key>
std::string text_of(const Key& key) {
  return key.text();
}

// "" when the maps are equal.
template <class Map>
std::string first_difference(const Map& told, const Map& fresh) {
  for (const auto& [key, value] : told) {
    const auto other = fresh.find(key);
    if (other == fresh.end()) return text_of(key) + " should be gone";
    if (!(other->second == value)) return text_of(key) + " is out of date";
  }
  for (const auto& [key, value] : fresh) {
    if (!told.contains(key)) return text_of(key) + " was not told";
  }
  return "";
}

TEST(ResolveIncrementalTest, ChangesAddUpToWhatAFreshResolverTells) {
  const auto seed = number_from_environment("SLUICE_SEED", std::random_device{}());
  const auto changes = number_from_environment("SLUICE_RESOLVE_CHANGES", kDefaultChanges);
  std::cout << "SLUICE_SEED=" << seed << " SLUICE_RESOLVE_CHANGES=" << changes << "\n";
  World world(seed);
  model::Store store;
  Resolver resolver{Options{}};
  Told told;
  Answers answers;
  std::uint64_t served_routes = 0;
  std::uint64_t set_routes = 0;
  std::uint64_t stream_routes = 0;
  std::uint64_t answered_backends = 0;
  for (std::uint64_t done = 0; done < changes;) {
    std::vector<Change> batch;
    const int size = world.batch_size();
    for (int i = 0; i < size; ++i) {
      batch.push_back(world.next_change());
      store.apply(batch.back());
    }
    done += batch.size();
    std::vector<model::HostAnswer> news;
    if (world.batch_size() == 1) {
      news.push_back(world.next_answer());
      answers[news.back().hostname] = news.back();
    }
    told.add(resolver.apply(store, batch, news));
    const Told fresh = told_afresh(store, answers);
    ASSERT_EQ(first_difference(told.listeners, fresh.listeners), "") << "after " << done;
    ASSERT_EQ(first_difference(told.routes, fresh.routes), "") << "after " << done;
    ASSERT_EQ(first_difference(told.backends, fresh.backends), "") << "after " << done;
    ASSERT_EQ(first_difference(told.findings, fresh.findings), "") << "after " << done;
    ASSERT_FALSE(HasFailure()) << "after " << done;
    served_routes += told.routes.size();
    for (const auto& [key, route] : told.routes) {
      stream_routes += key.kind != Kind::kHttpRoute && key.kind != Kind::kGrpcRoute ? 1U : 0U;
      set_routes += std::ranges::any_of(route.attachments, [](const Attachment& attachment) {
        return !attachment.listener.is_own();
      });
    }
    for (const auto& [id, backend] : told.backends) {
      if (backend.addresses.empty()) continue;
      answered_backends += backend.addresses.front().address.starts_with("10.2.") ? 1U : 0U;
    }
  }
  // The medians of 60 seeds are 1.8 %, 2 % and 18 %; what one seed gives varies by a factor of 2.
  EXPECT_GT(answered_backends, changes / 400) << "too few hostnames were answered";
  EXPECT_GT(set_routes, changes / 200) << "too few routes were served by ListenerSets";
  EXPECT_GT(stream_routes, changes / 100) << "too few routes were of streams";
  EXPECT_GT(served_routes, changes / 10) << "the world is too poor to prove anything";
}

TEST(ResolveIncrementalTest, AnEndpointChangeTellsNothingButTheBackend) {
  // A Gateway, a route and a Service with one endpoint; then the endpoint moves.
  const auto share = [](auto object) {
    return std::make_shared<const model::Object>(std::move(object));
  };
  model::GatewayClass gateway_class;
  gateway_class.meta.name = {"", "sluice"};
  gateway_class.controller_name = Options{}.controller_name;
  model::Gateway gateway;
  gateway.meta.name = {"a", "gw"};
  gateway.class_name = "sluice";
  model::Listener listener;
  listener.name = "http";
  listener.port = 80;
  listener.protocol = "HTTP";
  gateway.listeners = {listener};
  model::HttpRoute route;
  route.meta.name = {"a", "r"};
  route.parent_refs = {{.group = "gateway.networking.k8s.io",
                        .kind = "Gateway",
                        .ns = std::nullopt,
                        .name = "gw",
                        .section_name = std::nullopt,
                        .port = std::nullopt}};
  model::BackendRef ref;
  ref.name = "s";
  ref.port = 80;
  model::HttpRouteRule rule;
  rule.matches.emplace_back();
  rule.backend_refs = {{ref}};
  route.rules = {rule};
  model::Service service;
  service.meta.name = {"a", "s"};
  model::ServicePort port;
  port.port = 80;
  service.ports = {port};
  model::EndpointSlice slice;
  slice.meta.name = {"a", "s-1"};
  slice.service = "s";
  slice.endpoints = {{.addresses = {"10.0.0.1"}}};
  slice.ports = {{.name = "", .protocol = "TCP", .port = 8080}};

  model::Store store;
  Resolver resolver{Options{}};
  for (const auto& object :
       {share(gateway_class), share(gateway), share(route), share(service), share(slice)}) {
    store.apply({model::key_of(*object), object});
  }
  const Delta first = resolver.apply(store, all_objects(store));
  ASSERT_EQ(first.backends.size(), 1U);
  ASSERT_EQ(first.routes.size(), 1U);

  slice.endpoints.front().addresses = {"10.0.0.2"};
  const Change change{{Kind::kEndpointSlice, slice.meta.name}, share(slice)};
  store.apply(change);
  const Delta delta = resolver.apply(store, {{change}});
  ASSERT_EQ(delta.backends.size(), 1U);
  EXPECT_EQ(delta.backends.front().id, "Service/a/s:80");
  EXPECT_EQ(delta.backends.front().addresses,
            (std::vector<BackendAddress>{{"10.0.0.2", 8080, false}}));
  EXPECT_TRUE(delta.routes.empty() && delta.listeners.empty() && delta.findings.empty());
}

}  // namespace
}  // namespace sluice::resolve

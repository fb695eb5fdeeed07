// The routes of RandomObjects.
#include <utility>

#include "test/property/random_objects.h"

namespace sluice {

using nlohmann::json;

json RandomObjects::route() {
  if (one_in(4)) return stream_route();
  const bool grpc = one_in(3);
  json made = object("gateway.networking.k8s.io/v1", grpc ? "GRPCRoute" : "HTTPRoute",
                     one_of({"r", "q", "p", "o", "n", "m"}));
  json& spec = made["spec"];
  add_parents(spec);
  if (one_in(2)) spec["hostnames"].push_back(one_of({"a.example.com", "x.b.example.com"}));
  if (one_in(3)) spec["hostnames"].push_back(one_of({"*.org", "*.example.com", "b.org"}));
  const int rules = below(4);
  for (int i = 0; i < rules; ++i)
    spec["rules"].push_back(rule(grpc));
  return made;
}

json RandomObjects::stream_route() {
  const std::string kind = one_of({"TLSRoute", "TLSRoute", "TCPRoute", "UDPRoute"});
  json made = object("gateway.networking.k8s.io/v1", kind.c_str(), one_of({"r", "q", "p"}));
  json& spec = made["spec"];
  add_parents(spec);
  if (kind == "TLSRoute") {
    spec["hostnames"] = {one_of({"a.example.com", "*.example.com", "x.b.example.com", "*.org"})};
  }
  json& refs = spec["rules"][0]["backendRefs"];
  const int count = below(3) + 1;
  for (int i = 0; i < count; ++i)
    refs.push_back(backend_ref());
  return made;
}

void RandomObjects::add_parents(json& spec) {
  const int parents = below(3);
  for (int i = 0; i < parents; ++i) {
    json parent = {{"name", one_of({"gw", "edge"})}};
    if (one_in(3)) parent = {{"kind", "ListenerSet"}, {"name", one_of({"set", "gw"})}};
    if (one_in(2)) parent["namespace"] = ns();
    if (one_in(3)) parent["sectionName"] = one_of({"l0", "l1", "l9"});
    if (one_in(4)) parent["port"] = one_in(2) ? 80 : 81;
    spec["parentRefs"].push_back(std::move(parent));
  }
}

json RandomObjects::rule(bool grpc) {
  json made = json::object();
  const int matches = below(3);
  for (int j = 0; j < matches; ++j)
    made["matches"].push_back(grpc ? grpc_match() : match());
  const int refs = below(3);
  for (int j = 0; j < refs; ++j) {
    json ref = backend_ref();
    add_filters(ref, grpc);
    made["backendRefs"].push_back(std::move(ref));
  }
  add_filters(made, grpc);
  if (grpc) return made;
  if (refs == 0 && one_in(3)) {
    made["filters"].push_back(
        {{"type", "RequestRedirect"},
         {"requestRedirect", {{"hostname", one_of({"x.org", "y.org"})}, {"statusCode", 301}}}});
  }
  add_timing(made);
  return made;
}

json RandomObjects::grpc_match() {
  json made = json::object();
  if (!one_in(4)) {
    json method = {{"type", one_in(3) ? "RegularExpression" : "Exact"}};
    if (!one_in(4)) method["service"] = one_of({"x", "x.y", "z"});
    if (one_in(2) || !method.contains("service")) method["method"] = one_of({"Get", "y", "z"});
    made["method"] = std::move(method);
  }
  if (one_in(3)) made["headers"] = {{{"name", "color"}, {"value", one_of({"one", "two"})}}};
  return made;
}

json RandomObjects::match() {
  json made = json::object();
  switch (below(5)) {
    case 0:
      made["path"] = {{"type", "Exact"}, {"value", one_of({"/", "/x", "/x/", "/x/y"})}};
      break;
    case 1:
      made["path"] = {{"type", "RegularExpression"},
                      {"value", one_of({"/x[0-9]+", "/y.*", "/(", "/z?"})}};
      break;
    case 2:
    case 3:
      made["path"] = {{"type", "PathPrefix"}, {"value", one_of({"/", "/x", "/x/", "/x/y/z"})}};
      break;
    default:
      break;
  }
  const auto names = [this](const char* type) {
    json list = json::array();
    const int count = below(3);
    for (int i = 0; i < count; ++i) {
      json entry = {{"name", one_of({"Version", "color", "team"})},
                    {"value", one_of({"one", "two", "th.*ee"})}};
      if (one_in(4)) entry["type"] = type;
      bool repeated = false;
      for (const json& other : list)
        repeated |= other["name"] == entry["name"];
      if (!repeated) list.push_back(std::move(entry));
    }
    return list;
  };
  if (one_in(3)) made["headers"] = names("RegularExpression");
  if (one_in(4)) made["queryParams"] = names("RegularExpression");
  if (one_in(4)) made["method"] = one_of({"GET", "POST", "DELETE"});
  return made;
}

// Some that every owner may have, in the order of a random draw.
void RandomObjects::add_filters(json& owner, bool grpc) {
  json filters = json::array();
  if (one_in(6)) {
    filters.push_back({{"type", "RequestMirror"}, {"requestMirror", mirror()}});
  }
  if (one_in(6)) {
    filters.push_back({{"type", "RequestHeaderModifier"},
                       {"requestHeaderModifier",
                        {{"set", {{{"name", "a"}, {"value", one_of({"1", "2"})}}}},
                         {"remove", {one_of({"x", "y"})}}}}});
  }
  if (one_in(8)) {
    filters.push_back({{"type", "ResponseHeaderModifier"},
                       {"responseHeaderModifier", {{"add", {{{"name", "b"}, {"value", "1"}}}}}}});
  }
  if (!grpc && one_in(8)) {
    filters.push_back(
        {{"type", "CORS"}, {"cors", {{"allowOrigins", {"*"}}, {"maxAge", below(3) + 1}}}});
  }
  if (one_in(6)) {
    filters.push_back({{"type", "RequestMirror"}, {"requestMirror", mirror()}});
  }
  if (one_in(40)) {
    filters.push_back({{"type", "ExtensionRef"},
                       {"extensionRef", {{"group", "a.b"}, {"kind", "K"}, {"name", "n"}}}});
  }
  if (!filters.empty()) owner["filters"] = std::move(filters);
}

json RandomObjects::mirror() {
  json ref = backend_ref();
  ref.erase("weight");
  json made = {{"backendRef", std::move(ref)}};
  if (one_in(3)) made["percent"] = 50 * below(3);
  return made;
}

void RandomObjects::add_timing(json& rule) {
  if (one_in(4)) rule["timeouts"]["request"] = one_of({"0s", "1s", "5s"});
  if (one_in(6)) rule["timeouts"]["backendRequest"] = "500ms";
  if (one_in(4)) rule["retry"] = {{"attempts", below(3)}, {"codes", {500 + below(4)}}};
  if (one_in(8)) rule["retry"]["backoff"] = "100ms";
}

json RandomObjects::backend_ref() {
  json made = json::object();
  if (one_in(4)) {
    made = {{"group", "sluice.dev"}, {"kind", "Backend"}, {"name", "k"}};
  } else {
    made = {{"name", one_of({"s", "t", "missing"})}, {"port", one_in(3) ? 81 : 80}};
  }
  if (one_in(3)) made["namespace"] = ns();
  made["weight"] = below(3);
  return made;
}

}  // namespace sluice

#include "controller/cli/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "controller/cli/client.h"
#include "controller/cli/offline.h"
#include "controller/cli/target.h"
#include "controller/control/kinds.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

std::string joined(const json& list, const std::function<std::string(const json&)>& text_of) {
  std::string out;
  for (const json& each : list)
    out += (out.empty() ? "" : ",") + text_of(each);
  return out;
}

std::string text_of(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text != nullptr ? *text : value.is_null() ? "" : value.dump();
}

std::string condition(const json& conditions, const std::string& type) {
  for (const json& each : conditions) {
    if (text_member(each, "type") != type) continue;
    const std::string status = text_member(each, "status");
    return status == "True" ? status : status + "/" + text_member(each, "reason");
  }
  return "";
}

// Over all parents: the worst one.
std::string parents_condition(const json& object, const std::string& type) {
  std::string out;
  for (const json& parent : member(member(object, "status"), "parents")) {
    const std::string each = condition(member(parent, "conditions"), type);
    if (out.empty() || out == "True") out = each;
  }
  return out;
}

// `wide`: shown by -o wide only.
struct Column {
  const char* title;
  bool wide;
  std::string (*cell)(const json& object);
};

const json& spec(const json& object) {
  return member(object, "spec");
}

const json& status_conditions(const json& object) {
  return member(member(object, "status"), "conditions");
}

std::vector<Column> gateway_class_columns() {
  return {
      {"CONTROLLER", false, [](const json& o) { return text_member(spec(o), "controllerName"); }},
      {"ACCEPTED", false,
       [](const json& o) { return condition(status_conditions(o), "Accepted"); }}};
}

std::string listeners_of(const json& object) {
  return joined(member(spec(object), "listeners"), [](const json& each) {
    return fmt::format("{}:{}", text_member(each, "name"), number_member(each, "port"));
  });
}

// Over all listeners.
std::string attached_routes(const json& object) {
  std::int64_t routes = 0;
  for (const json& each : member(member(object, "status"), "listeners")) {
    routes += number_member(each, "attachedRoutes");
  }
  return std::to_string(routes);
}

std::vector<Column> gateway_columns() {
  return {{"CLASS", false, [](const json& o) { return text_member(spec(o), "gatewayClassName"); }},
          {"ADDRESS", false,
           [](const json& o) {
             return joined(member(member(o, "status"), "addresses"),
                           [](const json& each) { return text_member(each, "value"); });
           }},
          {"PROGRAMMED", false,
           [](const json& o) { return condition(status_conditions(o), "Programmed"); }},
          {"LISTENERS", true, listeners_of},
          {"ROUTES", true, attached_routes}};
}

// "namespace/name", or the name alone.
std::string reference(const json& ref) {
  const std::string ns = text_member(ref, "namespace");
  return (ns.empty() ? "" : ns + "/") + text_member(ref, "name");
}

std::vector<Column> listener_set_columns() {
  return {{"PARENT", false, [](const json& o) { return reference(member(spec(o), "parentRef")); }},
          {"ACCEPTED", false,
           [](const json& o) { return condition(status_conditions(o), "Accepted"); }},
          {"PROGRAMMED", false,
           [](const json& o) { return condition(status_conditions(o), "Programmed"); }},
          {"LISTENERS", true, listeners_of},
          {"ROUTES", true, attached_routes}};
}

std::vector<Column> route_columns() {
  return {
      {"HOSTNAMES", false,
       [](const json& o) { return joined(member(spec(o), "hostnames"), text_of); }},
      {"ACCEPTED", false, [](const json& o) { return parents_condition(o, "Accepted"); }},
      {"RESOLVEDREFS", false, [](const json& o) { return parents_condition(o, "ResolvedRefs"); }},
      {"PARENTS", true,
       [](const json& o) {
         return joined(member(spec(o), "parentRefs"), [](const json& each) {
           const std::string section = text_member(each, "sectionName");
           return reference(each) + (section.empty() ? "" : "/" + section);
         });
       }},
      {"RULES", true,
       [](const json& o) { return std::to_string(member(spec(o), "rules").size()); }}};
}

// Routes that have no hostnames.
std::vector<Column> stream_route_columns() {
  std::vector<Column> columns = route_columns();
  columns.erase(columns.begin());
  return columns;
}

std::vector<Column> service_columns() {
  return {{"TYPE", false,
           [](const json& o) {
             const std::string type = text_member(spec(o), "type");
             return type.empty() ? std::string("ClusterIP") : type;
           }},
          {"PORTS", false, [](const json& o) {
             return joined(member(spec(o), "ports"), [](const json& each) {
               const std::string protocol = text_member(each, "protocol");
               return fmt::format("{}/{}", number_member(each, "port"),
                                  protocol.empty() ? "TCP" : protocol);
             });
           }}};
}

std::vector<Column> slice_columns() {
  return {{"ADDRESSTYPE", false, [](const json& o) { return text_member(o, "addressType"); }},
          {"PORTS", false,
           [](const json& o) {
             return joined(member(o, "ports"),
                           [](const json& each) { return text_of(member(each, "port")); });
           }},
          {"ENDPOINTS", false, [](const json& o) {
             return joined(member(o, "endpoints"), [](const json& each) {
               return joined(member(each, "addresses"), text_of);
             });
           }}};
}

std::vector<Column> backend_columns() {
  return {{"ENDPOINTS", false, [](const json& o) {
             return joined(member(spec(o), "endpoints"), [](const json& each) {
               std::string path = text_member(each, "unixPath");
               if (!path.empty()) return path;
               return fmt::format("{}:{}", text_member(each, "address"),
                                  number_member(each, "port"));
             });
           }}};
}

std::vector<Column> policy_columns() {
  return {{"HOSTNAME", false,
           [](const json& o) { return text_member(member(spec(o), "validation"), "hostname"); }},
          {"TARGETS", false, [](const json& o) {
             return joined(member(spec(o), "targetRefs"), [](const json& each) {
               const std::string section = text_member(each, "sectionName");
               return text_member(each, "kind") + "/" + text_member(each, "name") +
                      (section.empty() ? "" : ":" + section);
             });
           }}};
}

std::vector<Column> grant_columns() {
  return {{"FROM", false,
           [](const json& o) {
             return joined(member(spec(o), "from"), [](const json& each) {
               return text_member(each, "namespace") + "/" + text_member(each, "kind");
             });
           }},
          {"TO", false, [](const json& o) {
             return joined(member(spec(o), "to"), [](const json& each) {
               const std::string name = text_member(each, "name");
               return text_member(each, "kind") + (name.empty() ? "" : "/" + name);
             });
           }}};
}

std::vector<Column> columns_of(model::Kind kind) {
  switch (kind) {
    case model::Kind::kGatewayClass:
      return gateway_class_columns();
    case model::Kind::kGateway:
      return gateway_columns();
    case model::Kind::kListenerSet:
      return listener_set_columns();
    case model::Kind::kHttpRoute:
    case model::Kind::kGrpcRoute:
    case model::Kind::kTlsRoute:
      return route_columns();
    case model::Kind::kTcpRoute:
    case model::Kind::kUdpRoute:
      return stream_route_columns();
    case model::Kind::kReferenceGrant:
      return grant_columns();
    case model::Kind::kService:
      return service_columns();
    case model::Kind::kEndpointSlice:
      return slice_columns();
    case model::Kind::kBackend:
      return backend_columns();
    case model::Kind::kBackendTlsPolicy:
      return policy_columns();
    case model::Kind::kSecret:
      return {{"TYPE", false, [](const json& o) { return text_member(o, "type"); }}};
    case model::Kind::kClusterTrustBundle:
      return {
          {"SIGNERNAME", false, [](const json& o) { return text_member(spec(o), "signerName"); }}};
    case model::Kind::kNamespace:
    case model::Kind::kConfigMap:
    case model::Kind::kGatewayParameters:
      break;
  }
  return {};
}

Result<std::vector<json>> fetch_offline(const TargetOptions& target, const Selection& selection) {
  const Result<std::unique_ptr<Offline>> offline =
      Offline::load(target.directory, CheckOptions{}.controller_name);
  if (!offline) return tl::unexpected<Error>(offline.error());
  std::vector<json> out;
  for (const auto& [name, object] : (*offline)->store().all(selection.kind)) {
    const bool other_namespace =
        model::is_namespaced(selection.kind) && !selection.ns.empty() && name.ns != selection.ns;
    if (other_namespace || (!selection.name.empty() && name.name != selection.name)) continue;
    out.push_back((*offline)->object({selection.kind, name}));
  }
  return out;
}

}  // namespace

Result<model::Kind> parse_kind(const std::string& word) {
  if (const auto kind = control::find_kind_by_word(word)) return *kind;
  return fail(Errc::kInvalid,
              fmt::format("unknown kind {}; known: {}", word, control::known_kind_words()));
}

Result<std::vector<json>> fetch_objects(const TargetOptions& target, const Selection& selection) {
  if (!target.directory.empty()) return fetch_offline(target, selection);
  const Result<std::string> socket = find_socket(target);
  if (!socket) return tl::unexpected<Error>(socket.error());
  Parameters parameters = {{"kind", std::string(model::kind_name(selection.kind))}};
  if (!selection.ns.empty()) parameters["namespace"] = selection.ns;
  if (!selection.name.empty()) parameters["name"] = selection.name;
  const Result<Answer> answer = Client(*socket).get("/v1/objects", parameters);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 200) return fail(Errc::kSystem, text_member(answer->body, "error"));
  const json& items = member(answer->body, "items");
  return std::vector<json>(items.begin(), items.end());
}

std::vector<Row> object_rows(model::Kind kind, const std::vector<json>& objects,
                             const TableShape& shape) {
  std::vector<Column> columns = columns_of(kind);
  std::erase_if(columns, [&](const Column& each) { return each.wide && !shape.wide; });
  const bool namespaces = shape.namespaces && model::is_namespaced(kind);
  std::vector<Row> rows;
  if (shape.headers) {
    Row titles = namespaces ? Row{"NAMESPACE", "NAME"} : Row{"NAME"};
    for (const Column& each : columns)
      titles.emplace_back(each.title);
    rows.push_back(std::move(titles));
  }
  for (const json& object : objects) {
    const json& metadata = member(object, "metadata");
    Row row;
    if (namespaces) row.push_back(text_member(metadata, "namespace"));
    row.push_back(text_member(metadata, "name"));
    for (const Column& each : columns)
      row.push_back(each.cell(object));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string resource_name(model::Kind kind, const json& object) {
  std::string type(model::kind_name(kind));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view group = model::kind_group(kind);
  if (!group.empty()) type += "." + std::string(group);
  return type + "/" + text_member(member(object, "metadata"), "name");
}

}  // namespace sluice::cli

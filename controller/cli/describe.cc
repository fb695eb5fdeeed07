// sluicectl describe: one object for people: what it says, its conditions, what is wrong with it.
#include <fmt/format.h>

#include <cstdio>

#include "controller/cli/client.h"
#include "controller/cli/objects.h"
#include "controller/cli/offline.h"
#include "controller/cli/target.h"
#include "controller/cli/verbs.h"
#include "controller/cli/yaml_text.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

std::string indented(const std::string& text, const std::string& margin) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += margin + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string conditions_table(const json& conditions, const std::string& margin) {
  if (conditions.empty()) return "";
  std::vector<Row> rows = {{"TYPE", "STATUS", "REASON", "MESSAGE"}};
  for (const json& each : conditions) {
    rows.push_back({text_member(each, "type"), text_member(each, "status"),
                    text_member(each, "reason"), text_member(each, "message")});
  }
  return indented(format_table(rows), margin);
}

std::string parent_title(const json& ref) {
  const std::string kind = text_member(ref, "kind");
  const std::string ns = text_member(ref, "namespace");
  const std::string section = text_member(ref, "sectionName");
  return "Parent " + (kind == "ListenerSet" ? kind + " " : "") + (ns.empty() ? "" : ns + "/") +
         text_member(ref, "name") + (section.empty() ? "" : " listener " + section);
}

std::string status_text(const json& status) {
  std::string out = conditions_table(member(status, "conditions"), "  ");
  for (const json& address : member(status, "addresses")) {
    out += "  Address " + text_member(address, "value") + "\n";
  }
  for (const json& listener : member(status, "listeners")) {
    out += fmt::format("  Listener {} ({} routes)\n", text_member(listener, "name"),
                       number_member(listener, "attachedRoutes"));
    out += conditions_table(member(listener, "conditions"), "    ");
  }
  for (const json& parent : member(status, "parents")) {
    out += "  " + parent_title(member(parent, "parentRef")) + "\n";
    out += conditions_table(member(parent, "conditions"), "    ");
  }
  return out;
}

std::string labels_text(const json& labels) {
  std::string out;
  for (const auto& [name, value] : labels.items()) {
    const auto* text = value.get_ptr<const std::string*>();
    out += (out.empty() ? "" : ", ") + name + "=" + (text == nullptr ? value.dump() : *text);
  }
  return out.empty() ? "<none>" : out;
}

std::vector<std::string> problems_of(const TargetOptions& target, const std::string& object) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& file, std::int64_t line, const std::string& field,
                       const std::string& message) {
    out.push_back(
        fmt::format("{}:{}: {}{}{}", file, line, field, field.empty() ? "" : ": ", message));
  };
  if (!target.directory.empty()) {
    const auto offline = Offline::load(target.directory, CheckOptions{}.controller_name);
    if (!offline) return out;
    for (const model::Problem& each : (*offline)->source().problems()) {
      if (each.object == object)
        add(each.position.file, each.position.line, each.field, each.message);
    }
    return out;
  }
  const Result<std::string> socket = find_socket(target);
  if (!socket) return out;
  const Result<Answer> answer = Client(*socket).get("/v1/problems");
  if (!answer) return out;
  for (const json& each : member(answer->body, "problems")) {
    if (text_member(each, "object") != object) continue;
    add(text_member(each, "file"), number_member(each, "line"), text_member(each, "field"),
        text_member(each, "message"));
  }
  return out;
}

std::string description(model::Kind kind, const json& object,
                        const std::vector<std::string>& problems) {
  const json& metadata = member(object, "metadata");
  std::string out = fmt::format("Name:        {}\n", text_member(metadata, "name"));
  if (model::is_namespaced(kind)) {
    out += fmt::format("Namespace:   {}\n", text_member(metadata, "namespace"));
  }
  out += fmt::format("Kind:        {} ({})\n", text_member(object, "kind"),
                     text_member(object, "apiVersion"));
  out += fmt::format("Generation:  {}\n", number_member(metadata, "generation"));
  out += "Labels:      " + labels_text(member(metadata, "labels")) + "\n";
  for (const auto& [key, value] : object.items()) {
    if (key == "apiVersion" || key == "kind" || key == "metadata" || key == "status") continue;
    std::string title = key;
    title[0] = static_cast<char>(title[0] >= 'a' && title[0] <= 'z' ? title[0] - 32 : title[0]);
    out += title + ":\n" + indented(to_yaml(value), "  ");
  }
  const std::string status = status_text(member(object, "status"));
  if (!status.empty()) out += "Status:\n" + status;
  if (!problems.empty()) out += "Problems:\n";
  for (const std::string& each : problems)
    out += "  " + each + "\n";
  return out;
}

}  // namespace

int describe(const DescribeOptions& options) {
  const Result<model::Kind> kind = parse_kind(options.kind);
  if (!kind) return report_error(kind.error());
  const std::size_t slash = options.name.find('/');
  model::ObjectKey key{*kind, {options.ns, options.name}};
  if (slash != std::string::npos) {
    key.name = {options.name.substr(0, slash), options.name.substr(slash + 1)};
  }
  if (!model::is_namespaced(*kind)) key.name.ns.clear();
  const Result<std::vector<json>> objects =
      fetch_objects(options.target, {*kind, key.name.ns, key.name.name});
  if (!objects) return report_error(objects.error());
  const std::vector<std::string> problems = problems_of(options.target, key.text());
  if (objects->empty()) {
    for (const std::string& each : problems)
      std::fprintf(stderr, "%s\n", each.c_str());
    return report_error({Errc::kNotFound, key.text() + " not found"});
  }
  std::fputs(description(*kind, objects->front(), problems).c_str(), stdout);
  return kFine;
}

}  // namespace sluice::cli

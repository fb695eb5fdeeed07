// sluicectl get: objects with the status that a cluster would show.
#include <fmt/format.h>

#include <cstdio>

#include "controller/cli/objects.h"
#include "controller/cli/target.h"
#include "controller/cli/verbs.h"
#include "controller/cli/yaml_text.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

std::string print_structured(const GetOptions& options, const std::vector<json>& objects) {
  const json value = options.name.empty()
                         ? json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}}
                         : objects.front();
  if (options.output == "yaml") return to_yaml(value);
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string print_names(model::Kind kind, const std::vector<json>& objects) {
  std::string out;
  for (const json& object : objects)
    out += resource_name(kind, object) + "\n";
  return out;
}

}  // namespace

int get(const GetOptions& options) {
  const Result<model::Kind> kind = parse_kind(options.kind);
  if (!kind) return report_error(kind.error());
  const std::string ns = options.all_namespaces ? "" : options.ns;
  const Result<std::vector<json>> objects =
      fetch_objects(options.target, {*kind, ns, options.name});
  if (!objects) return report_error(objects.error());
  if (objects->empty() && !options.name.empty()) {
    return report_error({Errc::kNotFound, fmt::format("{} \"{}\" not found",
                                                      model::kind_name(*kind), options.name)});
  }
  if (options.output == "json" || options.output == "yaml") {
    std::fputs(print_structured(options, *objects).c_str(), stdout);
  } else if (options.output == "name") {
    std::fputs(print_names(*kind, *objects).c_str(), stdout);
  } else if (objects->empty()) {
    const bool everywhere = options.all_namespaces || !model::is_namespaced(*kind);
    std::fprintf(stderr, "No objects found%s.\n",
                 everywhere ? "" : (" in namespace " + options.ns).c_str());
  } else {
    const TableShape shape{options.output == "wide", options.all_namespaces, options.headers};
    std::fputs(format_table(object_rows(*kind, *objects, shape)).c_str(), stdout);
  }
  return kFine;
}

}  // namespace sluice::cli

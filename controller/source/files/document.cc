#include "controller/source/files/document.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/model/decode/decode.h"

namespace sluice::source {
namespace {

using nlohmann::json;

constexpr std::string_view kNameLabel = "kubernetes.io/metadata.name";

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_at(const json& object, std::string_view key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end()) return {};
  const auto* text = found->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::optional<model::Kind> kind_in(const json& object) {
  const std::string version = text_at(object, "apiVersion");
  const std::size_t slash = version.find('/');
  const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
  return model::find_kind(group, text_at(object, "kind"));
}

Hash hash_spec(const json& object) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    if (key == "apiVersion" || key == "kind" || key == "metadata" || key == "status") continue;
    text += key;
    text += '=';
    text += dump(value);
    text += '\n';
  }
  return hash_of(text);
}

void complete_metadata(json& object, model::Kind kind) {
  json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) return;  // decoding says so
  metadata.erase("generation");
  if (!model::is_namespaced(kind)) {
    metadata.erase("namespace");
  } else if (json& ns = metadata["namespace"]; ns.is_null()) {
    ns = "default";
  }
  if (kind == model::Kind::kNamespace) {
    json& labels = metadata["labels"];
    if (labels.is_null()) labels = json::object();
    if (labels.is_object()) labels[kNameLabel] = text_at(metadata, "name");
  }
}

// Collects what one parsed document says, object by object.
class Reading {
 public:
  Reading(Document& document, const yaml::LineMap& lines) : document_(document), lines_(lines) {}

  void read_root(json root) {
    int first = 1;
    if (!lines_.empty()) {
      first = std::min_element(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) {
                return a.second < b.second;
              })->second;
    }
    const bool is_list = text_at(root, "kind") == "List" && text_at(root, "apiVersion") == "v1";
    if (!is_list) return read_object(std::move(root), "", first);
    const auto items = root.find("items");
    if (items == root.end() || !items->is_array()) {
      return refuse_nameless("items", "a List needs items, a list of objects", first);
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      const std::string prefix = fmt::format("/items/{}", i);
      const int line = yaml::find_line(lines_, prefix, "");
      read_object(std::move((*items)[i]), prefix, line == 0 ? first : line);
    }
  }

 private:
  void refuse_nameless(std::string_view field, std::string_view message, int line) {
    document_.problems.push_back(
        {{*document_.path, line}, "", std::string(field), std::string(message)});
    document_.refused_nameless = true;
  }

  void read_object(json object, const std::string& prefix, int line) {
    if (text_at(object, "kind").empty() || text_at(object, "apiVersion").empty()) {
      return refuse_nameless(
          "", "not an object of the Kubernetes API: it needs apiVersion and kind", line);
    }
    if (!kind_in(object)) return note_ignored(object, line);
    AcceptResult result =
        accept_object(std::move(object), {*document_.path, document_.line + line - 1});
    refine_lines(result.problems, prefix, line);
    refine_lines(result.warnings, prefix, line);
    append(document_.problems, result.problems);
    append(document_.warnings, result.warnings);
    if (result.key.name.name.empty()) {
      document_.refused_nameless = true;
      return;
    }
    document_.claims.push_back({result.key, line, std::move(result.accepted)});
  }

  void note_ignored(const json& object, int line) {
    const auto metadata = object.find("metadata");
    const json nothing = json::object();
    const json& meta = metadata == object.end() ? nothing : *metadata;
    const std::string ns = text_at(meta, "namespace");
    document_.ignored.emplace_back(
        fmt::format("{} {} {}{}{}", text_at(object, "apiVersion"), text_at(object, "kind"), ns,
                    ns.empty() ? "" : "/", text_at(meta, "name")),
        line);
  }

  void refine_lines(std::vector<model::Problem>& problems, const std::string& prefix,
                    int line) const {
    for (model::Problem& problem : problems) {
      const int found = yaml::find_line(lines_, prefix, problem.field);
      problem.position.line = found == 0 ? line : found;
    }
  }

  static void append(std::vector<model::Problem>& to, std::vector<model::Problem>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }

  Document& document_;
  const yaml::LineMap& lines_;
};

}  // namespace

Hash hash_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

AcceptResult accept_object(json object, const model::Position& position) {
  AcceptResult result;
  result.key.kind = kind_in(object).value_or(model::Kind::kConfigMap);
  object.erase("status");
  complete_metadata(object, result.key.kind);
  const json& metadata = object["metadata"];
  result.key.name = {text_at(metadata, "namespace"), text_at(metadata, "name")};
  model::Decoded decoded = model::decode_object(object, position);
  result.problems = std::move(decoded.errors);
  result.warnings = std::move(decoded.warnings);
  if (!result.problems.empty() || decoded.object == nullptr) return result;
  auto accepted = std::make_shared<Accepted>();
  accepted->json = dump(object);
  accepted->spec = hash_spec(object);
  accepted->object = std::move(decoded.object);
  result.accepted = std::move(accepted);
  return result;
}

DocumentOrError parse_document(const DocumentText& text, Syntax syntax, const std::string& path) {
  yaml::ParsedDocument parsed =
      syntax == Syntax::kJson ? yaml::parse_json(text.text) : yaml::parse_yaml(text.text);
  if (parsed.error) return {nullptr, std::move(parsed.error)};
  auto document = std::make_unique<Document>();
  document->path = &path;
  document->line = text.line;
  document->hash = hash_of(text.text);
  if (!parsed.json.is_null()) Reading(*document, parsed.lines).read_root(std::move(parsed.json));
  return {std::move(document), {}};
}

}  // namespace sluice::source

// One document of a file: the objects that it names, and what is wrong with it.
//
// Process: controller, sluicectl.   Never throws, never fails: what is wrong becomes a Problem.
// Lines of a Document count from its own first line, so that a document that only moved within its
// file keeps everything (the position inside a decoded object is that of its last change).
// Tested by: test/unit/controller/source/document_test.cc
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/store.h"
#include "controller/source/files/split.h"
#include "controller/yaml/yaml_to_json.h"

namespace sluice::source {

struct Hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const Hash&) const = default;
};

Hash hash_of(std::string_view bytes);

// A version of an object that decoding accepted.
struct Accepted {
  std::string json;  // with its namespace, without status and generation
  Hash spec;         // of everything but apiVersion, kind, metadata and status
  std::shared_ptr<const model::Object> object;
};

// A document says that an object exists.
struct Claim {
  model::ObjectKey key;
  int line = 1;
  std::shared_ptr<const Accepted> accepted;  // null: refused
};

struct Document {
  const std::string* path = nullptr;  // relative to the source's directory
  int line = 1;                       // in the file
  Hash hash;
  std::vector<Claim> claims;
  std::vector<model::Problem> problems;
  std::vector<model::Problem> warnings;
  std::vector<std::pair<std::string, int>> ignored;  // "apps/v1 Deployment default/web", line
  // Something was refused that cannot even be named: nothing may vanish because of it.
  bool refused_nameless = false;
};

struct DocumentOrError {
  std::unique_ptr<Document> document;
  std::optional<yaml::SyntaxError> error;  // line within the document; document is null then
};

enum class Syntax { kYaml, kJson };

DocumentOrError parse_document(const DocumentText& text, Syntax syntax, const std::string& path);

struct AcceptResult {
  model::ObjectKey key;  // kind is set; name is empty when it has none
  std::shared_ptr<const Accepted> accepted;
  std::vector<model::Problem> problems;
  std::vector<model::Problem> warnings;
};

// Fills in what the API server would (namespace, the label of a Namespace), drops what it owns
// (status, generation) and decodes. REQUIRES: apiVersion and kind are of a kind that Sluice reads.
AcceptResult accept_object(nlohmann::json json, const model::Position& position);

}  // namespace sluice::source

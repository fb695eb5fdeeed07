// Any text is split, parsed and decoded as a file of the directory is, without a crash, and what
// comes out keeps the promises of split.h, yaml_to_json.h and document.h.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "controller/source/files/document.h"
#include "controller/source/files/split.h"

namespace {

using sluice::source::DocumentText;
using sluice::source::Syntax;

void require(bool holds) {
  if (!holds) std::abort();
}

int count_lines(std::string_view text) {
  return 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

void check_problems(const std::vector<sluice::model::Problem>& problems, int lines) {
  for (const auto& problem : problems) {
    require(!problem.message.empty());
    require(problem.position.line >= 1 && problem.position.line <= lines);
  }
}

void check_document(const DocumentText& text, Syntax syntax) {
  static const std::string path = "fuzz.yaml";
  const auto parsed = parse_document(text, syntax, path);
  require((parsed.document == nullptr) == parsed.error.has_value());
  const int lines = count_lines(text.text);
  if (parsed.error) {
    require(!parsed.error->message.empty());
    require(parsed.error->line >= 1 && parsed.error->line <= lines);
    return;
  }
  check_problems(parsed.document->problems, lines);
  check_problems(parsed.document->warnings, lines);
  for (const auto& claim : parsed.document->claims) {
    require(!claim.key.name.name.empty());
    require(claim.line >= 1 && claim.line <= lines);
    if (claim.accepted == nullptr) continue;
    require(key_of(*claim.accepted->object) == claim.key);
    // What the log of accepted objects keeps must be readable after a restart.
    require(!sluice::yaml::parse_json(claim.accepted->json).error);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int line = 0;
  const char* end = text.data();
  for (const DocumentText& document : sluice::source::split_documents(text)) {
    require(document.line > line || (document.line == line && document.text.data() > end));
    require(document.text.data() >= end);
    line = document.line;
    end = document.text.data() + document.text.size();
    require(end <= text.data() + text.size());
    check_document(document, Syntax::kYaml);
  }
  check_document({text, 1}, Syntax::kJson);
  return 0;
}

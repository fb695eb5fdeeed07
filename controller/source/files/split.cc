#include "controller/source/files/split.h"

namespace sluice::source {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_mark(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return false;
  return line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r';
}

bool has_content(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first != std::string_view::npos && line[first] != '#';
}

// Collects lines until a mark ends the document.
struct Collector {
  std::vector<DocumentText> documents;
  std::size_t begin = 0;
  int line = 1;
  bool content = false;

  void end(std::string_view text, std::size_t at) {
    if (content) documents.push_back({text.substr(begin, at - begin), line});
    content = false;
  }

  void start(std::size_t at, int first_line) {
    begin = at;
    line = first_line;
  }
};

}  // namespace

std::vector<DocumentText> split_documents(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Collector collector;
  std::size_t at = 0;
  for (int number = 1; at < text.size(); ++number) {
    std::size_t next = text.find('\n', at);
    next = next == std::string_view::npos ? text.size() : next + 1;
    std::string_view line = text.substr(at, next - at);
    if (line.ends_with('\n')) line.remove_suffix(1);

    if (is_mark(line, "---")) {
      collector.end(text, at);
      // What follows the mark on its line belongs to the new document.
      collector.start(at + 3, number);
      collector.content = has_content(line.substr(3));
    } else if (is_mark(line, "...")) {
      collector.end(text, at);
      collector.start(next, number + 1);
    } else if (!collector.content && line.starts_with('%')) {
      collector.start(next, number + 1);  // a directive: only possible before a document
    } else {
      collector.content = collector.content || has_content(line);
    }
    at = next;
  }
  collector.end(text, text.size());
  return std::move(collector.documents);
}

}  // namespace sluice::source

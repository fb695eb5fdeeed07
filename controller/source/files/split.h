// Cuts the text of a YAML file at its document marks, without parsing it.
//
// A mark is "---" or "..." at the start of a line, followed by a blank or the line's end: inside a
// document YAML forbids exactly that, block scalars and quoted strings included, so the cut is
// exact also in text that doesn't parse. yaml-cpp needs 60 times the text in memory and 0.4 s a
// megabyte, so a file is only ever parsed document by document, and only those that changed.
//
// Process: controller, sluicectl.   Pure.   Lifetime: the views point into `text`.
// Spec: YAML 1.2.2, 9.1 (c-forbidden)   Tested by: test/unit/controller/source/split_test.cc
#pragma once

#include <string_view>
#include <vector>

namespace sluice::source {

struct DocumentText {
  std::string_view text;
  int line = 1;  // of the text's first line in the file
};

// Documents without content (blank lines, comments, directives) are left out.
std::vector<DocumentText> split_documents(std::string_view text);

}  // namespace sluice::source

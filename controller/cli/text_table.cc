#include "controller/cli/text_table.h"

#include <algorithm>

namespace sluice::cli {
namespace {

constexpr std::size_t kGap = 3;

const std::string& shown(const std::string& cell) {
  static const std::string none = "<none>";
  return cell.empty() ? none : cell;
}

// Characters, not bytes: names are ASCII, but messages need not be.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
  }));
}

}  // namespace

std::string format_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(shown(row[i])));
    }
  }
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += shown(row[i]);
      if (i + 1 < row.size()) out.append(widths[i] - width(shown(row[i])) + kGap, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace sluice::cli

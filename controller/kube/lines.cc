#include "controller/kube/lines.h"

#include <utility>

namespace sluice::kube {

void Lines::add(std::string_view data, const std::function<bool(std::string_view)>& take) {
  while (!data.empty()) {
    const std::size_t end = data.find('\n');
    const bool ends = end != std::string_view::npos;
    const std::string_view piece = data.substr(0, end);
    data.remove_prefix(ends ? end + 1 : data.size());
    if (!skips_ && begun_.size() + piece.size() > max_bytes_) {
      skips_ = true;
      ++too_long_;
      begun_ = {};
    }
    if (!skips_) begun_.append(piece);
    if (!ends) continue;
    const bool whole = !std::exchange(skips_, false);
    const std::string line = std::exchange(begun_, {});
    if (whole && !line.empty() && !take(line)) return;
  }
}

}  // namespace sluice::kube

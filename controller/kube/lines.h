// Lines out of portions that are cut anywhere.
//
// Process: controller.   Pure.   Cost: every byte is looked at once.
// Tested by: test/unit/controller/kube/lines_test.cc
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sluice::kube {

class Lines {
 public:
  explicit Lines(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Calls `take` with each line that has ended, without its end. Empty lines, and lines of more
  // than max_bytes, are left out. `take` returns whether it wants more.
  void add(std::string_view data, const std::function<bool(std::string_view)>& take);

  void clear() { *this = Lines(max_bytes_); }

  // How many lines were left out for their length.
  std::size_t too_long() const { return too_long_; }

 private:
  std::size_t max_bytes_;
  std::string begun_;  // the line that has not ended yet
  bool skips_ = false;
  std::size_t too_long_ = 0;
};

}  // namespace sluice::kube

// What a plan of a request takes from the table, on the heap.
#pragma once

#include <deque>
#include <string>

#include "ngx_module/core/plan.h"

namespace sluice::core {

class HeapMemory final : public Memory {
 public:
  char* take(std::size_t bytes) override {
    if (refusing_) return nullptr;
    return texts_.emplace_back(bytes, '\0').data();
  }

  void refuse() { refusing_ = true; }

 private:
  std::deque<std::string> texts_;
  bool refusing_ = false;
};

}  // namespace sluice::core

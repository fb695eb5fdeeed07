// Sizes as the table's fields hold them. What is larger than a field can say is cut off: the API's
// own limits are far below (shared/table/rules.h), so this only keeps a size and its bytes agreed.
// Process: controller.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::table {

inline std::uint16_t narrow16(std::size_t size) {
  return static_cast<std::uint16_t>(std::min<std::size_t>(size, 0xffff));
}

inline std::uint8_t narrow8(std::size_t size) {
  return static_cast<std::uint8_t>(std::min<std::size_t>(size, 0xff));
}

}  // namespace sluice::table

#include "shared/http/method.h"

#include <array>
#include <cstddef>

namespace sluice::http {

namespace {

// Position = number of the bit.
constexpr std::array<std::string_view, 9> kNames = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                    "CONNECT", "OPTIONS", "TRACE", "PATCH"};

}  // namespace

std::uint16_t method_bit(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<std::uint16_t>(1U << i);
  }
  return kOtherMethodBit;
}

std::string_view method_name(std::uint16_t bit) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (bit == 1U << i) return kNames[i];
  }
  return "other";
}

}  // namespace sluice::http

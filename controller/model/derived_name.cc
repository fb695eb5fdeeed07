#include "controller/model/derived_name.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "shared/base/hash.h"

namespace sluice::model {

namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kDigits = 8;
constexpr std::size_t kMaxBeginning = kMaxLabel - kDigits - 1;

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_letter_or_digit(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

std::string with_digits(std::string beginning, std::string_view digits) {
  beginning.resize(std::min(beginning.size(), kMaxBeginning));
  while (!beginning.empty() && !is_letter_or_digit(beginning.back()))
    beginning.pop_back();
  return beginning + "-" + std::string(digits.substr(0, kDigits));
}

}  // namespace

std::string derived_name(std::string_view name, std::string_view uid) {
  std::string beginning(name);
  std::ranges::replace_if(beginning, [](char c) { return !is_letter_or_digit(c); }, '-');
  if (beginning.empty() || !is_letter(beginning.front())) beginning.insert(0, "gw-");
  return with_digits(std::move(beginning), uid);
}

std::string cluster_service_name(std::string_view gateway, std::string_view uid,
                                 std::size_t index) {
  return derived_name("cluster-" + std::to_string(index) + "-" + std::string(gateway), uid);
}

std::string label_of_name(std::string_view name) {
  if (name.size() <= kMaxLabel) return std::string(name);
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx",
                static_cast<unsigned long long>(content_hash128(name)[0]));
  return with_digits(std::string(name), digits.data());
}

}  // namespace sluice::model

// Any JSON text is decoded without a crash, and what comes out keeps the promises of decode.h.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "controller/model/decode/decode.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = nlohmann::json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) return 0;
  const sluice::model::Decoded decoded = sluice::model::decode_object(json, {"fuzz.json", 1});
  require((decoded.object != nullptr) == (decoded.known && decoded.errors.empty()));
  require(decoded.known || !decoded.errors.empty() || !decoded.ignored_kind.empty());
  if (decoded.object != nullptr) require(key_of(*decoded.object) == decoded.key);
  for (const auto& problem : decoded.errors) {
    require(!problem.message.empty() && problem.position.line == 1);
  }
  return 0;
}

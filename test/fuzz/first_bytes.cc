// What a connection begins with: a ClientHello's server name, or the first line of a request.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ngx_module/core/preface.h"
#include "ngx_module/core/server_name.h"

namespace {

namespace core = sluice::core;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_server_name(std::string_view extension) {
  std::array<char, sluice::http::kMaxHostBytes> buffer{};
  const std::string_view name = core::server_name(extension, buffer);
  require(name.size() + 5 <= extension.size() || name.empty());
  require(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") ==
          std::string_view::npos);
}

// Once told, more bytes tell nothing else.
void check_protocol(std::string_view first) {
  auto told = core::Protocol::kUndecided;
  for (std::size_t size = 0; size <= first.size(); ++size) {
    const core::Protocol now = core::tell_protocol(first.substr(0, size));
    require(told == core::Protocol::kUndecided || told == now);
    told = now;
  }
  require(told != core::Protocol::kHttp2 || first.starts_with(core::kPreface.substr(0, 16)));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_server_name(bytes);
  check_protocol(bytes);
  return 0;
}

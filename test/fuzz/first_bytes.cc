// What a connection begins with: a ClientHello, or the first line of a request.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ngx_module/core/client_hello.h"
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

// Of more and more bytes: once told, more tell nothing else.
void check_client_hello(std::string_view first) {
  using enum core::ClientHello::Status;
  first = first.substr(0, core::kMaxClientHello);
  auto told = kUndecided;
  const std::size_t step = first.size() / 64 + 1;
  for (std::size_t size = 0; size <= first.size(); size += step) {
    std::array<char, sluice::http::kMaxHostBytes> buffer{};
    const core::ClientHello now = core::read_client_hello(first.substr(0, size), buffer);
    require(told == kUndecided || told == now.status);
    require(now.status == kWhole || now.server_name.empty());
    require(now.server_name.size() < size || now.server_name.empty());
    told = now.status;
  }
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
  check_client_hello(bytes);
  check_protocol(bytes);
  return 0;
}

// What may begin a connection: a header of the PROXY protocol, then whatever the client says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ngx_module/core/proxy_protocol.h"

using sluice::core::ProxyHeader;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// A whole header lies in the bytes, and is found with any more behind it and with none less.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view first(reinterpret_cast<const char*>(data), size);
  first = first.substr(0, sluice::core::kMaxProxyHeader);
  const ProxyHeader header = sluice::core::read_proxy_header(first);
  if (header.status == ProxyHeader::Status::kWhole) {
    require(header.bytes > 0 && header.bytes <= first.size());
    const std::string_view exact = first.substr(0, header.bytes);
    require(sluice::core::read_proxy_header(exact).bytes == header.bytes);
    require(sluice::core::read_proxy_header(exact.substr(0, header.bytes - 1)).status ==
            ProxyHeader::Status::kUndecided);
  } else {
    require(header.bytes == 0 && !header.client);
  }
  return 0;
}

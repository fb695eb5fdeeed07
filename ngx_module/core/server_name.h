// The server name that a TLS client asks for.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.   Spec: RFC 6066 3
// Tested by: test/unit/ngx_module/core/server_name_test.cc
#pragma once

#include <array>
#include <string_view>

#include "shared/http/host.h"

namespace sluice::core {

// The name in the body of a ClientHello's server_name extension, in lower case, in `buffer`; empty
// when there is none that a listener's hostname could cover.
std::string_view server_name(std::string_view extension,
                             std::array<char, http::kMaxHostBytes>& buffer);

}  // namespace sluice::core

// Writes :scheme into a request of nginx's grpc module, which writes it by its configuration before
// anybody knows how the request's backend is reached.
//
// Process: nginx worker.   Pure.   Spec: RFC 9113 8.3.1; RFC 7541 (the static table)
// Tested by: test/unit/ngx_module/core/h2_scheme_test.cc
#pragma once

#include <span>

namespace sluice::core {

// `request`: the connection preface, then frames. What does not look like one stays as it is.
void write_scheme(std::span<unsigned char> request, bool https);

}  // namespace sluice::core

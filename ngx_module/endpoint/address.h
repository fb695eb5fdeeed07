// Addresses of endpoints as nginx connects to them.
// Process: nginx worker.   Thread: any.   Allocates: nothing.
#pragma once

#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::endpoint {

// How many bytes of `address` it takes; 0: no address.
socklen_t to_address(const balance::Target& target, sockaddr_storage& address);

}  // namespace sluice::endpoint

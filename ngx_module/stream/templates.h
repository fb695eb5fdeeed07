// Servers of stream {} that are templates of run-time listeners.
// Process: master, workers.   Lifetime: the cycle's pool.
#pragma once

#include "ngx_module/listen/nginx.h"
#include "ngx_module/relay/door.h"

namespace sluice::stream_module {

// Has the certificates of the templates come from the table. After parsing. Fails (false): out of
// memory.
bool use_table_certificates(ngx_conf_t* cf, const relay::Door& door);

// The configuration of a template's server, of all modules.
void** server_conf(const ngx_listening_t& found);

}  // namespace sluice::stream_module

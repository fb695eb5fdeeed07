// Configuration and session of the stream part.
// Process: master, workers.   Lifetime: the cycle's pool; a session's: its connection's.
#pragma once

#include "ngx_module/listen/nginx.h"
#include "ngx_module/relay/door.h"

extern "C" {
extern ngx_module_t ngx_stream_sluice_module;
}

namespace sluice::stream_module {

struct MainConf {
  const relay::Door* door;  // null: the http module is not loaded
};

// Of a connection for which an endpoint was asked.
struct Session {
  relay::Relay* relay;
  void** own_conf;  // of the server that it came to
};

inline const relay::Door& door_of(ngx_stream_session_t* s) {
  return *static_cast<const MainConf*>(ngx_stream_get_module_main_conf(s, ngx_stream_sluice_module))
              ->door;
}

// The set function of `sluice_endpoints`, in an upstream.
char* set_endpoints(ngx_conf_t* cf, ngx_command_t* command, void* conf);

bool add_variables(ngx_conf_t* cf);

}  // namespace sluice::stream_module

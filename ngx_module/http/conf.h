// Configuration of the http part: what `sluice_pass` said, per location.
// Process: master, read by workers.   Lifetime: the cycle's pool.
#pragma once

#include "ngx_module/listen/nginx.h"

extern "C" {
extern ngx_module_t ngx_http_sluice_module;
extern ngx_module_t ngx_http_sluice_headers_module;
}

namespace sluice::http_module {

// Where nginx's grpc module keeps what we need; its structures are private.
struct GrpcMembers {
  ngx_uint_t ctx_index;
  std::size_t host;  // offset of the :authority in its location configuration; 0: not found
};

struct MainConf {
  void** location_confs;                   // of http {} itself, of all modules
  ngx_http_upstream_srv_conf_t* upstream;  // the implicit one; null: no sluice_pass anywhere
  ngx_uint_t proxy_ctx_index;
  GrpcMembers grpc;
};

struct ServerConf {
  bool passes;       // some location has sluice_pass: its listens count as Gateway sockets
  bool is_template;  // of listeners opened at run time
};

struct LocationConf {
  ngx_http_handler_pt proxy;  // the stock handler; null: no sluice_pass here
  ngx_http_handler_pt grpc;   // null: this nginx has no grpc module
  void** patient;             // this location's settings, for clients that may be silent for long
  ngx_str_t gateway;          // "namespace/name"; empty: by the connection's local address
  in_port_t port;             // 0: the connection's, or the Gateway's only one
};

inline const MainConf& main_conf(ngx_http_request_t* r) {
  return *static_cast<const MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_sluice_module));
}

inline LocationConf& location_conf(ngx_http_request_t* r) {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_sluice_module));
}

// The set function of `sluice_pass` and the merge of locations.
char* set_pass(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* merge_location(ngx_conf_t* cf, void* parent, void* child);

// Adds the sockets of servers with sluice_pass to the core configuration. After parsing.
bool collect_static_sockets(ngx_conf_t* cf);

// A directive of another module, called as if it stood in the configuration.
ngx_command_t* find_directive(const ngx_conf_t* cf, std::string_view module, std::string_view name,
                              ngx_module_t** found);

}  // namespace sluice::http_module

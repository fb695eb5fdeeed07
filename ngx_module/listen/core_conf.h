// What the module knows apart from http {}: where the table and the keeper are, which listeners are
// templates, which sockets of nginx.conf serve Gateways.
//
// Process: master (configuration), workers.   Lifetime: the cycle's pool.
#pragma once

#include "ngx_module/listen/nginx.h"

extern "C" {
extern ngx_module_t ngx_sluice_core_module;
}

namespace sluice::relay {
struct Door;  // ngx_module/relay/door.h
extern const Door kDoor;
}  // namespace sluice::relay

namespace sluice::listen {

struct CoreConf {
  const relay::Door* door;  // first: ngx_stream_sluice_module.so knows no more of this
  ngx_str_t table_directory;
  ngx_str_t keeper_path;
  ngx_flag_t listeners;        // sluice_listeners
  ngx_array_t templates;       // ngx_listening_t, taken out of cycle->listening
  ngx_array_t static_sockets;  // table::SocketKey: listens whose server has sluice_pass
  ngx_flag_t used;             // some location has sluice_pass
  ngx_fd_t secrets;            // certificates, opened by a master that may; NGX_INVALID_FILE: none
};

CoreConf* core_conf(const ngx_cycle_t* cycle);

// Whether a listen's address ("unix:sluice-http") makes its server a template.
bool is_template(const ngx_str_t& address);

// The template of that name ("http": `listen unix:sluice-http`), or null.
const ngx_listening_t* find_template(const CoreConf& conf, std::string_view name);

// Set functions of the directives; core and http context share them.
char* set_table(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* set_keeper(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* set_listeners(ngx_conf_t* cf, ngx_command_t* command, void* conf);

}  // namespace sluice::listen

// What ngx_stream_sluice_module.so may ask of ngx_http_sluice_module.so, in which everything lives
// that a worker has once: the mapped table, the counts, secrets and TLS contexts.
//
// A module of nginx exports nothing that another one could link to. So the stream module looks for
// the core module by its name, in the cycle, and finds a pointer to the Door at the very beginning
// of its configuration. Both are built together; the version and the size say whether they were.
//
// Process: master (configuration), workers.   Lifetime: the library's, which is that of the cycle.
#pragma once

#include <cstdint>

#include "ngx_module/listen/nginx.h"
#include "ngx_module/relay/relay.h"

namespace sluice::relay {

inline constexpr char kCoreModule[] = "ngx_sluice_core_module";

struct Door {
  std::uint32_t version;      // SLUICE_VERSION_NUMBER
  std::uint32_t relay_bytes;  // sizeof(Relay)

  // Whether a listen's address makes its server a template; the template of that name, or null.
  bool (*is_template)(const ngx_str_t& address);
  const ngx_listening_t* (*find_template)(const ngx_cycle_t* cycle, const char* name);
  // Certificates of connections with that context come from the table. Fails (false): out of
  // memory.
  bool (*use_table)(SSL_CTX* context);

  listen::RelayPlan* (*find_plan)(const ngx_connection_t* c);
  Relay* (*open)(ngx_connection_t* c);
  ngx_int_t (*get_peer)(ngx_peer_connection_t* pc, void* relay);
  void (*free_peer)(ngx_peer_connection_t* pc, void* relay, ngx_uint_t outcome);
  void (*on_connected)(ngx_peer_connection_t* pc, void* relay, ngx_uint_t what);
  void (*count_bytes)(const ngx_connection_t* c, std::uint64_t from_client,
                      std::uint64_t to_client);
  ngx_int_t (*set_session)(ngx_peer_connection_t* pc, void* relay);
  void (*save_session)(ngx_peer_connection_t* pc, void* relay);
};

extern const Door kDoor;

}  // namespace sluice::relay

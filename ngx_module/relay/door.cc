#include "ngx_module/relay/door.h"

#include "ngx_module/listen/core_conf.h"
#include "ngx_module/tls/handshake.h"

namespace sluice::relay {

namespace {

const ngx_listening_t* find_template(const ngx_cycle_t* cycle, const char* name) {
  return listen::find_template(*listen::core_conf(cycle), name);
}

bool use_table(SSL_CTX* context) {
  return tls::use_table(context, tls::Serving::kRelays);
}

}  // namespace

const Door kDoor = {
    .version = SLUICE_VERSION_NUMBER,
    .relay_bytes = sizeof(Relay),
    .is_template = listen::is_template,
    .find_template = find_template,
    .use_table = use_table,
    .find_plan = listen::find_relay_plan,
    .open = open,
    .get_peer = get_peer,
    .free_peer = free_peer,
    .on_connected = on_connected,
    .count_bytes = count_bytes,
    .set_session = set_session,
    .save_session = save_session,
};

}  // namespace sluice::relay

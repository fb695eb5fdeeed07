// The templates of stream {}: nginx's structures for servers and their addresses, which 1.25.5
// changed.
#include "ngx_module/stream/templates.h"

#include <span>

#include "ngx_module/stream/conf.h"

namespace sluice::stream_module {

namespace {

#if (nginx_version >= 1025005)
using SslConf = ngx_stream_ssl_srv_conf_t;

// Calls visit(address, is it ssl, the server's configuration) for every listen.
template <class Visit>
void for_each_listen(const ngx_stream_core_main_conf_t& main, Visit&& visit) {
  if (main.ports == nullptr) return;
  for (const auto& port :
       std::span(static_cast<const ngx_stream_conf_port_t*>(main.ports->elts), main.ports->nelts)) {
    for (const auto& address :
         std::span(static_cast<const ngx_stream_conf_addr_t*>(port.addrs.elts), port.addrs.nelts)) {
      visit(address.opt.addr_text, address.opt.ssl != 0, address.default_server->ctx->srv_conf);
    }
  }
}

void** server_conf(const ngx_stream_addr_conf_t& address) {
  return address.default_server->ctx->srv_conf;
}
#else
using SslConf = ngx_stream_ssl_conf_t;

template <class Visit>
void for_each_listen(const ngx_stream_core_main_conf_t& main, Visit&& visit) {
  for (const auto& listen :
       std::span(static_cast<const ngx_stream_listen_t*>(main.listen.elts), main.listen.nelts)) {
    visit(listen.addr_text, listen.ssl != 0, listen.ctx->srv_conf);
  }
}

void** server_conf(const ngx_stream_addr_conf_t& address) {
  return address.ctx->srv_conf;
}
#endif

}  // namespace

void** server_conf(const ngx_listening_t& found) {
  const auto* const port = static_cast<const ngx_stream_port_t*>(found.servers);
  return server_conf(static_cast<const ngx_stream_in_addr_t*>(port->addrs)[0].conf);
}

bool use_table_certificates(ngx_conf_t* cf, const relay::Door& door) {
  bool done = true;
  const auto use_table = [&](const ngx_str_t& address, bool is_ssl, void** conf) {
    if (!is_ssl || !door.is_template(address)) return;
    const auto& ssl = *static_cast<const SslConf*>(conf[ngx_stream_ssl_module.ctx_index]);
    if (ssl.ssl.ctx != nullptr && !door.use_table(ssl.ssl.ctx)) done = false;
  };
  for_each_listen(*static_cast<const ngx_stream_core_main_conf_t*>(
                      ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module)),
                  use_table);
  return done;
}

}  // namespace sluice::stream_module

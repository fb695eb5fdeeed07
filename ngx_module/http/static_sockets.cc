// Which listens of nginx.conf serve Gateways: those of a server with sluice_pass. Workers announce
// them, so that the keeper does not open the same socket. Also: which servers are templates.
#include "ngx_module/core/socket_name.h"
#include "ngx_module/http/conf.h"
#include "ngx_module/listen/core_conf.h"

namespace sluice::http_module {

namespace {

bool has_passing_server(const ngx_http_conf_addr_t& address) {
  auto* const* const servers = static_cast<ngx_http_core_srv_conf_t**>(address.servers.elts);
  for (ngx_uint_t i = 0; i < address.servers.nelts; ++i) {
    const auto* const conf =
        static_cast<const ServerConf*>(servers[i]->ctx->srv_conf[ngx_http_sluice_module.ctx_index]);
    if (conf->passes) return true;
  }
  return false;
}

void mark_template(const ngx_http_conf_addr_t& address) {
  auto* const conf = static_cast<ServerConf*>(
      address.default_server->ctx->srv_conf[ngx_http_sluice_module.ctx_index]);
  conf->is_template = true;
}

bool is_quic(const ngx_http_conf_addr_t& address) {
#if (nginx_version >= 1025000)
  return address.opt.quic;
#else
  (void)address;
  return false;
#endif
}

bool push(ngx_array_t& sockets, const table::SocketKey& key) {
  auto* const slot = static_cast<table::SocketKey*>(ngx_array_push(&sockets));
  if (slot == nullptr) return false;
  *slot = key;
  return true;
}

}  // namespace

bool collect_static_sockets(ngx_conf_t* cf) {
  ngx_array_t& sockets = listen::core_conf(cf->cycle)->static_sockets;
  const auto* const main = static_cast<const ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  if (main->ports == nullptr) return true;
  const auto* const ports = static_cast<const ngx_http_conf_port_t*>(main->ports->elts);
  for (ngx_uint_t p = 0; p < main->ports->nelts; ++p) {
    const auto* const addresses = static_cast<const ngx_http_conf_addr_t*>(ports[p].addrs.elts);
    for (ngx_uint_t a = 0; a < ports[p].addrs.nelts; ++a) {
      const ngx_http_conf_addr_t& address = addresses[a];
      if (listen::is_template(address.opt.addr_text)) mark_template(address);
      const auto key = core::socket_key(address.opt.sockaddr);
      if (!key || is_quic(address) || !has_passing_server(address)) continue;
      if (!push(sockets, *key)) return false;
      if (key->family == table::Family::kIpv6 && address.opt.wildcard && !address.opt.ipv6only) {
        // One socket for both families.
        table::SocketKey v4;
        v4.port = key->port;
        if (!push(sockets, v4)) return false;
      }
    }
  }
  return true;
}

}  // namespace sluice::http_module

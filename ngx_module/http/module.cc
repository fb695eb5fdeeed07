// The http module: directives, and where the parts are plugged into nginx.
#include "ngx_module/http/conf.h"
#include "ngx_module/http/phases.h"
#include "ngx_module/http/variables.h"
#include "ngx_module/listen/core_conf.h"
#include "ngx_module/tls/handshake.h"

namespace sluice::http_module {

namespace {

ngx_int_t preconfiguration(ngx_conf_t* cf) {
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module));
  main.location_confs = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
  return add_variables(cf) ? NGX_OK : NGX_ERROR;
}

ngx_int_t postconfiguration(ngx_conf_t* cf) {
  auto& core = *static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* const handler = static_cast<ngx_http_handler_pt*>(
      ngx_array_push(&core.phases[NGX_HTTP_REWRITE_PHASE].handlers));
  if (handler == nullptr) return NGX_ERROR;
  *handler = rewrite_handler;
  install_filters();
  return collect_static_sockets(cf) && tls::set_up(cf) ? NGX_OK : NGX_ERROR;
}

void* create_main(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(MainConf));
}

void* create_server(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(ServerConf));
}

void* create_location(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(LocationConf));
}

ngx_http_module_t context = {
    preconfiguration, postconfiguration, create_main,     nullptr,
    create_server,    nullptr,           create_location, merge_location,
};

ngx_command_t commands[] = {
    {ngx_string("sluice_table"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, listen::set_table, 0, 0,
     nullptr},
    {ngx_string("sluice_keeper"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, listen::set_keeper, 0, 0,
     nullptr},
    {ngx_string("sluice_listeners"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG, listen::set_listeners, 0,
     0, nullptr},
    {ngx_string("sluice_pass"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE12, set_pass,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    ngx_null_command,
};

}  // namespace

}  // namespace sluice::http_module

ngx_module_t ngx_http_sluice_module = {
    NGX_MODULE_V1,
    &sluice::http_module::context,
    sluice::http_module::commands,
    NGX_HTTP_MODULE,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    NGX_MODULE_V1_PADDING,
};

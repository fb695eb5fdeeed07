// The stream module: one directive and the variables. All that it knows of routes it asks through
// the Door (ngx_module/relay/door.h).
#include <string_view>

#include "ngx_module/stream/conf.h"
#include "ngx_module/stream/templates.h"

namespace sluice::stream_module {

namespace {

// Null: ngx_http_sluice_module.so is not loaded.
const relay::Door* find_door(const ngx_cycle_t* cycle) {
  for (ngx_uint_t i = 0; i < cycle->modules_n; ++i) {
    const ngx_module_t& module = *cycle->modules[i];
    if (module.name == nullptr || std::string_view(module.name) != relay::kCoreModule) continue;
    return *reinterpret_cast<const relay::Door* const*>(cycle->conf_ctx[module.index]);
  }
  return nullptr;
}

void* create_main(ngx_conf_t* cf) {
  auto* const main = static_cast<MainConf*>(ngx_pcalloc(cf->pool, sizeof(MainConf)));
  if (main != nullptr) main->door = find_door(cf->cycle);
  return main;
}

const relay::Door* configured_door(ngx_conf_t* cf) {
  return static_cast<const MainConf*>(
             ngx_stream_conf_get_module_main_conf(cf, ngx_stream_sluice_module))
      ->door;
}

ngx_int_t preconfiguration(ngx_conf_t* cf) {
  const relay::Door* const door = configured_door(cf);
  if (door == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "ngx_stream_sluice_module.so needs ngx_http_sluice_module.so: load both");
    return NGX_ERROR;
  }
  if (door->version != SLUICE_VERSION_NUMBER || door->relay_bytes != sizeof(relay::Relay)) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "ngx_stream_sluice_module.so and ngx_http_sluice_module.so are of "
                       "different versions of Sluice");
    return NGX_ERROR;
  }
  return add_variables(cf) ? NGX_OK : NGX_ERROR;
}

ngx_int_t on_end(ngx_stream_session_t* s) {
  door_of(s).count_bytes(s->connection, static_cast<std::uint64_t>(s->received),
                         static_cast<std::uint64_t>(s->connection->sent));
  return NGX_OK;
}

// Fails (false): out of memory.
bool hear_of_ends(ngx_conf_t* cf) {
  auto* const main = static_cast<ngx_stream_core_main_conf_t*>(
      ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module));
  auto* const handler = static_cast<ngx_stream_handler_pt*>(
      ngx_array_push(&main->phases[NGX_STREAM_LOG_PHASE].handlers));
  if (handler == nullptr) return false;
  *handler = on_end;
  return true;
}

ngx_int_t postconfiguration(ngx_conf_t* cf) {
  return hear_of_ends(cf) && use_table_certificates(cf, *configured_door(cf)) ? NGX_OK : NGX_ERROR;
}

ngx_stream_module_t context = {
    preconfiguration, postconfiguration, create_main, nullptr, nullptr, nullptr,
};

ngx_command_t commands[] = {
    {ngx_string("sluice_endpoints"), NGX_STREAM_UPS_CONF | NGX_CONF_NOARGS, set_endpoints,
     NGX_STREAM_SRV_CONF_OFFSET, 0, nullptr},
    ngx_null_command,
};

}  // namespace

}  // namespace sluice::stream_module

ngx_module_t ngx_stream_sluice_module = {
    NGX_MODULE_V1,
    &sluice::stream_module::context,
    sluice::stream_module::commands,
    NGX_STREAM_MODULE,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    NGX_MODULE_V1_PADDING,
};

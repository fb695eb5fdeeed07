// The core module: directives that may stand outside http {}, and the templates.
//
// A server with `listen unix:sluice-NAME` is a template: what a listener opened at run time does
// with a connection. It must never be bound (a bound Unix socket survives SIGKILL, blocks the next
// start and is open to every local user), so init_conf takes it out of cycle->listening, after the
// configuration is complete and before nginx matches, opens or inherits sockets.
// Tested by: test/e2e/test_listeners.py
#include <fcntl.h>

#include <array>
#include <new>

#include "ngx_module/listen/core_conf.h"
#include "ngx_module/listen/worker.h"
#include "shared/arena/paths.h"

namespace sluice::listen {

namespace {

constexpr std::string_view kTemplatePrefix = "unix:sluice-";

void* create_conf(ngx_cycle_t* cycle) {
  auto* const conf = static_cast<CoreConf*>(ngx_pcalloc(cycle->pool, sizeof(CoreConf)));
  if (conf == nullptr) return nullptr;
  conf->door = &relay::kDoor;
  conf->listeners = NGX_CONF_UNSET;
  conf->secrets = NGX_INVALID_FILE;
  if (ngx_array_init(&conf->templates, cycle->pool, 4, sizeof(ngx_listening_t)) != NGX_OK ||
      ngx_array_init(&conf->static_sockets, cycle->pool, 4, sizeof(table::SocketKey)) != NGX_OK) {
    return nullptr;
  }
  return conf;
}

bool take_templates(ngx_cycle_t* cycle, CoreConf& conf) {
  auto* const listening = static_cast<ngx_listening_t*>(cycle->listening.elts);
  ngx_uint_t kept = 0;
  for (ngx_uint_t i = 0; i < cycle->listening.nelts; ++i) {
    if (is_template(listening[i].addr_text)) {
      auto* const taken = static_cast<ngx_listening_t*>(ngx_array_push(&conf.templates));
      if (taken == nullptr) return false;
      *taken = listening[i];
      continue;
    }
    if (kept != i) {
      listening[kept] = listening[i];
      // nginx had it point into the element's old place.
      listening[kept].log.data = &listening[kept].addr_text;
    }
    ++kept;
  }
  cycle->listening.nelts = kept;
  return true;
}

char* init_conf(ngx_cycle_t* cycle, void* data) {
  auto& conf = *static_cast<CoreConf*>(data);
  if (conf.table_directory.data == nullptr) conf.table_directory = ngx::str("/dev/shm/sluice");
  if (conf.keeper_path.data == nullptr) conf.keeper_path = ngx::str("/run/sluice/keeper.sock");
  ngx_conf_init_value(conf.listeners, 0);
  if (!take_templates(cycle, conf)) return static_cast<char*>(NGX_CONF_ERROR);
  if (conf.listeners && find_template(conf, "http") == nullptr) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                  "\"sluice_listeners on\" needs a server with \"listen unix:sluice-http\": "
                  "include sluice-listeners.conf in http {}");
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  return NGX_CONF_OK;
}

char* set_path(ngx_conf_t* cf, ngx_str_t& path) {
  if (path.data != nullptr) return const_cast<char*>("is duplicate");
  path = static_cast<ngx_str_t*>(cf->args->elts)[1];
  if (path.len == 0) return const_cast<char*>("is empty");
  if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) return static_cast<char*>(NGX_CONF_ERROR);
  return NGX_CONF_OK;
}

void close_secrets(void* data) {
  ngx_close_file(static_cast<CoreConf*>(data)->secrets);
}

// Only the owner may open it. A root master does so before it forks, so that workers of another
// user can serve certificates also when no controller is there to hand them out.
ngx_int_t init_module(ngx_cycle_t* cycle) {
  if (ngx_test_config) return NGX_OK;
  CoreConf& conf = *core_conf(cycle);
  const std::string path = arena::table_file(ngx::to_string(conf.table_directory), "secret");
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(cycle->pool, 0);
  if (cleanup == nullptr) return NGX_ERROR;
  conf.secrets = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (conf.secrets == NGX_INVALID_FILE) return NGX_OK;
  cleanup->handler = close_secrets;
  cleanup->data = &conf;
  return NGX_OK;
}

ngx_int_t init_process(ngx_cycle_t* cycle) {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  const CoreConf* const conf = core_conf(cycle);
  if (!conf->used && !conf->listeners) return NGX_OK;
  return Worker::start(cycle, *conf) ? NGX_OK : NGX_ERROR;
}

void exit_process(ngx_cycle_t*) {
  Worker::stop();
}

ngx_core_module_t context = {ngx_string("sluice_core"), create_conf, init_conf};

constexpr ngx_uint_t kMainTake1 = NGX_MAIN_CONF | NGX_DIRECT_CONF | NGX_CONF_TAKE1;

ngx_command_t commands[] = {
    {ngx_string("sluice_table"), kMainTake1, set_table, 0, 0, nullptr},
    {ngx_string("sluice_keeper"), kMainTake1, set_keeper, 0, 0, nullptr},
    ngx_null_command,
};

}  // namespace

CoreConf* core_conf(const ngx_cycle_t* cycle) {
  return reinterpret_cast<CoreConf*>(ngx_get_conf(cycle->conf_ctx, ngx_sluice_core_module));
}

bool is_template(const ngx_str_t& address) {
  return ngx::view(address).starts_with(kTemplatePrefix);
}

const ngx_listening_t* find_template(const CoreConf& conf, std::string_view name) {
  const auto* const templates = static_cast<const ngx_listening_t*>(conf.templates.elts);
  for (ngx_uint_t i = 0; i < conf.templates.nelts; ++i) {
    if (ngx::view(templates[i].addr_text).substr(kTemplatePrefix.size()) == name) {
      return &templates[i];
    }
  }
  return nullptr;
}

char* set_table(ngx_conf_t* cf, ngx_command_t*, void*) {
  return set_path(cf, core_conf(cf->cycle)->table_directory);
}

char* set_keeper(ngx_conf_t* cf, ngx_command_t*, void*) {
  return set_path(cf, core_conf(cf->cycle)->keeper_path);
}

char* set_listeners(ngx_conf_t* cf, ngx_command_t* command, void*) {
  CoreConf* const conf = core_conf(cf->cycle);
  ngx_command_t flag = *command;
  flag.offset = offsetof(CoreConf, listeners);
  return ngx_conf_set_flag_slot(cf, &flag, conf);
}

}  // namespace sluice::listen

ngx_module_t ngx_sluice_core_module = {
    NGX_MODULE_V1,
    &sluice::listen::context,
    sluice::listen::commands,
    NGX_CORE_MODULE,
    nullptr,
    sluice::listen::init_module,
    sluice::listen::init_process,
    nullptr,
    nullptr,
    sluice::listen::exit_process,
    nullptr,
    NGX_MODULE_V1_PADDING,
};

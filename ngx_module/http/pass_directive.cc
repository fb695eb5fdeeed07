// `sluice_pass`: the location's handler becomes ours, in front of the stock handlers of proxy_pass
// and grpc_pass over an implicit upstream whose peers we choose.
#include <algorithm>
#include <charconv>

#include "ngx_module/http/conf.h"
#include "ngx_module/http/peer.h"
#include "ngx_module/http/phases.h"
#include "ngx_module/listen/core_conf.h"

namespace sluice::http_module {

namespace {

// No host has this name, so proxy_redirect's default rewrites no Location header.
constexpr std::string_view kUpstream = "sluice.invalid";
constexpr std::string_view kProxyUrl = "http://sluice.invalid";
constexpr std::string_view kGrpcUrl = "grpc://sluice.invalid";
constexpr ngx_msec_t kPatienceMs = ngx_msec_t{60} * 60 * 1000;

char* error() {
  return static_cast<char*>(NGX_CONF_ERROR);
}

bool add_upstream(ngx_conf_t* cf, MainConf& conf) {
  if (conf.upstream != nullptr) return true;
  ngx_url_t url{};
  url.host = ngx::str(kUpstream);
  url.no_resolve = 1;
  url.no_port = 1;
  conf.upstream = ngx_http_upstream_add(cf, &url, NGX_HTTP_UPSTREAM_CREATE);
  if (conf.upstream == nullptr) return false;
  conf.upstream->peer.init_upstream = init_upstream;
  return true;
}

struct StockDirective {
  std::string_view module;
  std::string_view name;
  std::string_view url;
};

constexpr StockDirective kProxyPass = {"ngx_http_proxy_module", "proxy_pass", kProxyUrl};
constexpr StockDirective kGrpcPass = {"ngx_http_grpc_module", "grpc_pass", kGrpcUrl};

// Calls the directive's own set function, which leaves the stock handler in the location. Both
// directives fit in one location: each only looks whether it is there twice itself.
ngx_http_handler_pt capture(ngx_conf_t* cf, const StockDirective& stock,
                            ngx_http_core_loc_conf_t& location) {
  ngx_module_t* module = nullptr;
  ngx_command_t* const directive = find_directive(cf, stock.module, stock.name, &module);
  if (directive == nullptr) return nullptr;
  const auto* const context = static_cast<const ngx_http_conf_ctx_t*>(cf->ctx);
  ngx_str_t words[] = {directive->name, ngx::str(stock.url)};
  ngx_array_t arguments{words, 2, sizeof(ngx_str_t), 2, cf->pool};
  ngx_array_t* const saved = cf->args;
  const unsigned auto_redirect = location.auto_redirect;
  cf->args = &arguments;
  char* const result = directive->set(cf, directive, context->loc_conf[module->ctx_index]);
  cf->args = saved;
  if (result != NGX_CONF_OK) {
    if (result != NGX_CONF_ERROR) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"sluice_pass\" conflicts with \"%V\"",
                         &directive->name);
    }
    return nullptr;
  }
  // "/shop/" must not answer "/shop" with a redirect: routes decide.
  location.auto_redirect = auto_redirect & 1;
  return location.handler;
}

// Finds the member that :authority is taken from: it is the only text there that lies in the URL
// that we gave to grpc_pass.
bool find_grpc_members(ngx_conf_t* cf, GrpcMembers& members) {
  if (members.host != 0) return true;
  ngx_module_t* module = nullptr;
  if (find_directive(cf, kGrpcPass.module, kGrpcPass.name, &module) == nullptr) return false;
  members.ctx_index = module->ctx_index;
  const auto* const context = static_cast<const ngx_http_conf_ctx_t*>(cf->ctx);
  const auto* const conf = static_cast<const char*>(context->loc_conf[module->ctx_index]);
  constexpr std::size_t kFirst = sizeof(ngx_http_upstream_conf_t);
  constexpr std::size_t kSearched = 96;
  for (std::size_t at = kFirst; at < kFirst + kSearched; at += sizeof(void*)) {
    ngx_str_t member;
    ngx_memcpy(&member, conf + at, sizeof member);
    const u_char* const end = ngx::str(kGrpcUrl).data + kGrpcUrl.size();
    if (member.len == kUpstream.size() && member.data == end - kUpstream.size()) {
      members.host = at;
      return true;
    }
  }
  ngx_conf_log_error(
      NGX_LOG_WARN, cf, 0,
      "sluice: this nginx's grpc module is not known: there is no HTTP/2 to backends");
  return false;
}

bool capture_handlers(ngx_conf_t* cf, MainConf& main, LocationConf& location) {
  auto& core = *static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  ngx_module_t* module = nullptr;
  if (find_directive(cf, kProxyPass.module, kProxyPass.name, &module) == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"sluice_pass\" needs nginx's proxy module");
    return false;
  }
  main.proxy_ctx_index = module->ctx_index;
  location.proxy = capture(cf, kProxyPass, core);
  if (location.proxy == nullptr) return false;
  if (find_directive(cf, kGrpcPass.module, kGrpcPass.name, &module) != nullptr) {
    location.grpc = capture(cf, kGrpcPass, core);
    if (location.grpc == nullptr) return false;
    if (!find_grpc_members(cf, main.grpc)) location.grpc = nullptr;
  }
  core.handler = content_handler;
  return true;
}

// A copy of the location's settings in which the client may be silent for long: a stream has no
// pace of its own. Made here, because nginx looks at them once more after a request's memory is
// gone.
void** make_patient(ngx_conf_t* cf) {
  auto** const confs =
      static_cast<void**>(ngx_palloc(cf->pool, sizeof(void*) * ngx_http_max_module));
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_palloc(cf->pool, sizeof(ngx_http_core_loc_conf_t)));
  if (confs == nullptr || core == nullptr) return nullptr;
  void** const own = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
  std::copy_n(own, ngx_http_max_module, confs);
  *core = *static_cast<ngx_http_core_loc_conf_t*>(own[ngx_http_core_module.ctx_index]);
  core->client_body_timeout = std::max(core->client_body_timeout, kPatienceMs);
  core->send_timeout = std::max(core->send_timeout, kPatienceMs);
  confs[ngx_http_core_module.ctx_index] = core;
  return confs;
}

bool parse_port(std::string_view text, in_port_t& port) {
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number == 0 || number > 65535) {
    return false;
  }
  port = static_cast<in_port_t>(number);
  return true;
}

bool is_gateway_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() &&
         text.find('/', slash + 1) == std::string_view::npos;
}

bool parse_parameters(ngx_conf_t* cf, LocationConf& location) {
  constexpr std::string_view kGateway = "gateway=";
  constexpr std::string_view kPort = "port=";
  auto* const words = static_cast<ngx_str_t*>(cf->args->elts);
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    const std::string_view word = ngx::view(words[i]);
    if (word.starts_with(kGateway) && location.gateway.len == 0) {
      location.gateway = ngx::str(word.substr(kGateway.size()));
      if (is_gateway_name(ngx::view(location.gateway))) continue;
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" must be gateway=NAMESPACE/NAME", &words[i]);
      return false;
    }
    if (word.starts_with(kPort) && location.port == 0) {
      if (parse_port(word.substr(kPort.size()), location.port)) continue;
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid port in \"%V\"", &words[i]);
      return false;
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"", &words[i]);
    return false;
  }
  return true;
}

}  // namespace

ngx_command_t* find_directive(const ngx_conf_t* cf, std::string_view module, std::string_view name,
                              ngx_module_t** found) {
  for (ngx_uint_t i = 0; cf->cycle->modules[i] != nullptr; ++i) {
    ngx_module_t* const candidate = cf->cycle->modules[i];
    if (candidate->type != NGX_HTTP_MODULE || module != candidate->name) continue;
    for (ngx_command_t* command = candidate->commands; command->name.len != 0; ++command) {
      if (ngx::view(command->name) == name) {
        *found = candidate;
        return command;
      }
    }
  }
  return nullptr;
}

char* set_pass(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto& location = *static_cast<LocationConf*>(conf);
  if (location.proxy != nullptr) return const_cast<char*>("is duplicate");
  if (!parse_parameters(cf, location)) return error();
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module));
  auto& server =
      *static_cast<ServerConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_sluice_module));
  if (!add_upstream(cf, main) || !capture_handlers(cf, main, location)) return error();
  server.passes = true;
  listen::core_conf(cf->cycle)->used = 1;
  return NGX_CONF_OK;
}

char* merge_location(ngx_conf_t* cf, void* parent, void* child) {
  const auto& outer = *static_cast<const LocationConf*>(parent);
  auto& location = *static_cast<LocationConf*>(child);
  auto& core = *static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  // "if" and "limit_except" are nameless locations that share the handler of the one around them.
  if (core.noname && location.proxy == nullptr && outer.proxy != nullptr) {
    location = outer;
    if (core.lmt_excpt) core.handler = content_handler;
  } else if (location.proxy != nullptr && core.handler != content_handler) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"sluice_pass\" conflicts with another handler in location \"%V\"", &core.name);
    return error();
  }
  if (location.proxy == nullptr) return NGX_CONF_OK;
  location.patient = make_patient(cf);
  return location.patient == nullptr ? error() : NGX_CONF_OK;
}

}  // namespace sluice::http_module

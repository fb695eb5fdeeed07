// What proxying needs of the stock proxy module: HTTP/1.1 and a few request headers, appended to
// what the operator's proxy_set_header (here or inherited) says; a name that the operator sets is
// left alone.
//
// A module of its own, because it must run before the proxy module merges (modules.c has the
// order). proxy_set_header is inherited only by a location that has none, so what a sluice_pass
// location appends would reach locations nested in it: those get the operator's own list back.
// The members are found by the offsets in proxy's public directive table; its structure is private.
// Tested by: test/e2e/test_existing_nginx.py
#include <algorithm>
#include <array>

#include "ngx_module/http/conf.h"

namespace sluice::http_module {

namespace {

struct Header {
  std::string_view name;
  std::string_view value;
};

constexpr std::array kHeaders = {
    Header{"Host", "$sluice_host"},
    Header{"Connection", "$sluice_connection"},
    Header{"Upgrade", "$sluice_upgrade"},
    Header{"X-Forwarded-For", "$sluice_forwarded_for"},
    Header{"X-Forwarded-Proto", "$sluice_forwarded_proto"},
    Header{"X-Forwarded-Host", "$sluice_forwarded_host"},
    Header{"X-Forwarded-Port", "$sluice_forwarded_port"},
    Header{"X-Request-Id", "$sluice_request_id"},
};

struct HeadersConf {
  ngx_array_t* headers;  // of the operator, in force here; null: none
  ngx_uint_t version;    // of the operator, or NGX_CONF_UNSET_UINT
  bool resolved;         // false only for http {} itself, which is never merged
  bool inside_pass;      // sluice_pass is in this location or in one around it
};

// Where proxy keeps two of its settings.
struct ProxyMembers {
  ngx_uint_t ctx_index;
  std::size_t headers;
  std::size_t version;

  template <class T>
  static T& at(void* conf, std::size_t offset) {
    return *reinterpret_cast<T*>(static_cast<char*>(conf) + offset);
  }

  ngx_array_t*& headers_of(void** confs) const {
    return at<ngx_array_t*>(confs[ctx_index], headers);
  }

  ngx_uint_t& version_of(void** confs) const { return at<ngx_uint_t>(confs[ctx_index], version); }
};

bool find_members(const ngx_conf_t* cf, ProxyMembers& members) {
  ngx_module_t* module = nullptr;
  const ngx_command_t* const headers =
      find_directive(cf, "ngx_http_proxy_module", "proxy_set_header", &module);
  const ngx_command_t* const version =
      find_directive(cf, "ngx_http_proxy_module", "proxy_http_version", &module);
  if (headers == nullptr || version == nullptr) return false;
  members = {module->ctx_index, headers->offset, version->offset};
  return true;
}

bool is_unset(const ngx_array_t* headers) {
  return headers == NGX_CONF_UNSET_PTR;
}

void resolve(const ProxyMembers& members, void** confs, const HeadersConf* outer,
             HeadersConf& conf) {
  ngx_array_t* const own = members.headers_of(confs);
  const ngx_uint_t version = members.version_of(confs);
  conf.headers = is_unset(own) ? (outer != nullptr ? outer->headers : nullptr) : own;
  conf.version = version == NGX_CONF_UNSET_UINT && outer != nullptr ? outer->version : version;
  conf.resolved = true;
}

bool names(const ngx_array_t* headers, std::string_view name) {
  if (headers == nullptr) return false;
  const auto* const pairs = static_cast<const ngx_keyval_t*>(headers->elts);
  return std::any_of(pairs, pairs + headers->nelts, [name](const ngx_keyval_t& pair) {
    return pair.key.len == name.size() &&
           ngx_strncasecmp(pair.key.data, ngx::str(name).data, name.size()) == 0;
  });
}

// The operator's list and after it ours.
ngx_array_t* append_ours(ngx_pool_t* pool, const ngx_array_t* headers) {
  ngx_array_t* const all = ngx_array_create(pool, 16, sizeof(ngx_keyval_t));
  if (all == nullptr) return nullptr;
  if (headers != nullptr) {
    auto* const copy = ngx_array_push_n(all, headers->nelts);
    if (copy == nullptr) return nullptr;
    ngx_memcpy(copy, headers->elts, headers->nelts * sizeof(ngx_keyval_t));
  }
  for (const Header& header : kHeaders) {
    if (names(headers, header.name)) continue;
    auto* const pair = static_cast<ngx_keyval_t*>(ngx_array_push(all));
    if (pair == nullptr) return nullptr;
    *pair = {ngx::str(header.name), ngx::str(header.value)};
  }
  return all;
}

void* create(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(HeadersConf));
}

char* merge(ngx_conf_t* cf, void* parent, void* child) {
  auto& outer = *static_cast<HeadersConf*>(parent);
  auto& conf = *static_cast<HeadersConf*>(child);
  ProxyMembers members{};
  if (!find_members(cf, members)) return NGX_CONF_OK;  // no proxy module: no sluice_pass either
  if (!outer.resolved) {
    // Not through cf->ctx: while servers are merged it holds theirs.
    const auto& main = *static_cast<const MainConf*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module));
    resolve(members, main.location_confs, nullptr, outer);
  }
  void** const confs = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
  resolve(members, confs, &outer, conf);

  const auto& pass =
      *static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_sluice_module));
  const auto& core = *static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  conf.inside_pass = outer.inside_pass || pass.proxy != nullptr;
  if (pass.proxy != nullptr) {
    members.headers_of(confs) = append_ours(cf->pool, conf.headers);
    if (members.headers_of(confs) == nullptr) return static_cast<char*>(NGX_CONF_ERROR);
    members.version_of(confs) = NGX_HTTP_VERSION_11;
  } else if (outer.inside_pass && !core.noname) {
    members.headers_of(confs) = conf.headers != nullptr
                                    ? conf.headers
                                    : ngx_array_create(cf->pool, 1, sizeof(ngx_keyval_t));
    if (conf.version != NGX_CONF_UNSET_UINT) members.version_of(confs) = conf.version;
  }
  return NGX_CONF_OK;
}

ngx_http_module_t context = {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, create, merge};
ngx_command_t commands[] = {ngx_null_command};

}  // namespace

}  // namespace sluice::http_module

ngx_module_t ngx_http_sluice_headers_module = {
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

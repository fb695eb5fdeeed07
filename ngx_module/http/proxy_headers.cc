// What proxying needs of the stock proxy and grpc modules: HTTP/1.1, trailers (from nginx 1.27.2,
// unless the operator says something else), and a few request headers, appended to what the
// operator's proxy_set_header (here or inherited) says; a name that the operator sets is left
// alone. Backends that speak HTTP/2 are sent the same, but for what belongs to a connection of
// HTTP/1 and for Host, which is :authority there; the operator's grpc_set_header comes first.
//
// A module of its own, because it must run before those modules merge (modules.c has the order).
// ..._set_header is inherited only by a location that has none, so what a sluice_pass location
// appends would reach locations nested in it: those get the operator's own list back. The members
// are found by the offsets in the modules' public directive tables; their structures are private.
// Tested by: test/e2e/test_existing_nginx.py, test_h2c.py
#include <algorithm>
#include <array>
#include <span>

#include "ngx_module/http/conf.h"
#include "shared/http/header.h"

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
    Header{"TE", "$sluice_te"},
    // Of the client's connection, or of a request's trailers, which nginx does not pass on.
    Header{"Proxy-Connection", ""},
    Header{"Trailer", ""},
    Header{"HTTP2-Settings", ""},
};

// Of a connection: not for HTTP/2.
constexpr std::array<std::string_view, 7> kHttp1Only = {
    "Host", "Connection", "Upgrade", "Keep-Alive", "Transfer-Encoding", "TE", "Content-Length"};

struct HeadersConf {
  ngx_array_t* proxy;  // of the operator, in force here; null: none
  ngx_array_t* grpc;
  ngx_uint_t version;   // of the operator, or NGX_CONF_UNSET_UINT
  ngx_flag_t trailers;  // the same, or NGX_CONF_UNSET
  bool resolved;        // false only for http {} itself, which is never merged
  bool inside_pass;     // sluice_pass is in this location or in one around it
};

// Where a stock module keeps one of its settings in a location.
struct Member {
  ngx_uint_t ctx_index = 0;
  std::size_t offset = 0;
  bool found = false;

  template <class T>
  T& of(void** confs) const {
    return *reinterpret_cast<T*>(static_cast<char*>(confs[ctx_index]) + offset);
  }
};

struct Members {
  Member proxy_headers;
  Member proxy_version;
  Member proxy_trailers;  // not found before nginx 1.27.2
  Member grpc_headers;    // not found: there is no grpc module
};

Member find_member(const ngx_conf_t* cf, std::string_view module, std::string_view name) {
  ngx_module_t* found = nullptr;
  const ngx_command_t* const directive = find_directive(cf, module, name, &found);
  if (directive == nullptr) return {};
  return {found->ctx_index, directive->offset, true};
}

Members find_members(const ngx_conf_t* cf) {
  return {find_member(cf, "ngx_http_proxy_module", "proxy_set_header"),
          find_member(cf, "ngx_http_proxy_module", "proxy_http_version"),
          find_member(cf, "ngx_http_proxy_module", "proxy_pass_trailers"),
          find_member(cf, "ngx_http_grpc_module", "grpc_set_header")};
}

ngx_array_t* list_in_force(ngx_array_t* own, ngx_array_t* inherited) {
  return own == NGX_CONF_UNSET_PTR ? inherited : own;
}

void resolve(const Members& members, void** confs, const HeadersConf& outer, HeadersConf& conf) {
  conf.proxy = list_in_force(members.proxy_headers.of<ngx_array_t*>(confs), outer.proxy);
  if (members.grpc_headers.found) {
    conf.grpc = list_in_force(members.grpc_headers.of<ngx_array_t*>(confs), outer.grpc);
  }
  const ngx_uint_t version = members.proxy_version.of<ngx_uint_t>(confs);
  conf.version = version == NGX_CONF_UNSET_UINT ? outer.version : version;
  if (members.proxy_trailers.found) {
    const ngx_flag_t trailers = members.proxy_trailers.of<ngx_flag_t>(confs);
    conf.trailers = trailers == NGX_CONF_UNSET ? outer.trailers : trailers;
  }
  conf.resolved = true;
}

std::span<const ngx_keyval_t> pairs_of(const ngx_array_t* headers) {
  if (headers == nullptr) return {};
  return {static_cast<const ngx_keyval_t*>(headers->elts), headers->nelts};
}

bool names(const ngx_array_t* headers, std::string_view name) {
  const auto pairs = pairs_of(headers);
  return std::any_of(pairs.begin(), pairs.end(), [name](const ngx_keyval_t& pair) {
    return http::same_header_name(ngx::view(pair.key), name);
  });
}

bool is_http1_only(std::string_view name) {
  return std::any_of(kHttp1Only.begin(), kHttp1Only.end(), [name](std::string_view other) {
    return http::same_header_name(name, other);
  });
}

bool append(ngx_array_t& all, const ngx_keyval_t& pair) {
  auto* const place = static_cast<ngx_keyval_t*>(ngx_array_push(&all));
  if (place == nullptr) return false;
  *place = pair;
  return true;
}

bool append_list(ngx_array_t& all, const ngx_array_t* headers) {
  const auto pairs = pairs_of(headers);
  return std::all_of(pairs.begin(), pairs.end(),
                     [&](const ngx_keyval_t& pair) { return append(all, pair); });
}

bool append_ours(ngx_array_t& all, bool http2) {
  return std::all_of(kHeaders.begin(), kHeaders.end(), [&](const Header& header) {
    return (http2 && is_http1_only(header.name)) || names(&all, header.name) ||
           append(all, {ngx::str(header.name), ngx::str(header.value)});
  });
}

// The operator's list and after it ours.
ngx_array_t* proxy_list(ngx_pool_t* pool, const HeadersConf& conf) {
  ngx_array_t* const all = ngx_array_create(pool, 16, sizeof(ngx_keyval_t));
  const bool done = all != nullptr && append_list(*all, conf.proxy) && append_ours(*all, false);
  return done ? all : nullptr;
}

ngx_array_t* grpc_list(ngx_pool_t* pool, const HeadersConf& conf) {
  ngx_array_t* const all = ngx_array_create(pool, 16, sizeof(ngx_keyval_t));
  if (all == nullptr || !append_list(*all, conf.grpc)) return nullptr;
  for (const ngx_keyval_t& pair : pairs_of(conf.proxy)) {
    const std::string_view name = ngx::view(pair.key);
    if (is_http1_only(name) || names(conf.grpc, name)) continue;
    if (!append(*all, pair)) return nullptr;
  }
  return append_ours(*all, true) ? all : nullptr;
}

ngx_array_t* or_empty(ngx_pool_t* pool, ngx_array_t* headers) {
  return headers != nullptr ? headers : ngx_array_create(pool, 1, sizeof(ngx_keyval_t));
}

void* create(ngx_conf_t* cf) {
  return ngx_pcalloc(cf->pool, sizeof(HeadersConf));
}

char* merge(ngx_conf_t* cf, void* parent, void* child) {
  auto& outer = *static_cast<HeadersConf*>(parent);
  auto& conf = *static_cast<HeadersConf*>(child);
  const Members members = find_members(cf);
  if (!members.proxy_headers.found) return NGX_CONF_OK;  // no sluice_pass either
  if (!outer.resolved) {
    // Not through cf->ctx: while servers are merged it holds theirs.
    const auto& main = *static_cast<const MainConf*>(
        ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module));
    HeadersConf nothing{};
    nothing.version = NGX_CONF_UNSET_UINT;
    nothing.trailers = NGX_CONF_UNSET;
    resolve(members, main.location_confs, nothing, outer);
  }
  void** const confs = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
  resolve(members, confs, outer, conf);

  const auto& pass =
      *static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_sluice_module));
  const auto& core = *static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  const bool passes = pass.proxy != nullptr;
  conf.inside_pass = outer.inside_pass || passes;
  if (!passes && (!outer.inside_pass || core.noname)) return NGX_CONF_OK;

  ngx_array_t* const proxy = passes ? proxy_list(cf->pool, conf) : or_empty(cf->pool, conf.proxy);
  if (proxy == nullptr) return static_cast<char*>(NGX_CONF_ERROR);
  members.proxy_headers.of<ngx_array_t*>(confs) = proxy;
  const ngx_uint_t version = passes ? NGX_HTTP_VERSION_11 : conf.version;
  if (version != NGX_CONF_UNSET_UINT) members.proxy_version.of<ngx_uint_t>(confs) = version;
  const bool wants_trailers = passes && conf.trailers == NGX_CONF_UNSET;
  if (members.proxy_trailers.found) {
    members.proxy_trailers.of<ngx_flag_t>(confs) = wants_trailers ? 1 : conf.trailers;
  }
  if (!members.grpc_headers.found) return NGX_CONF_OK;
  ngx_array_t* const grpc = passes ? grpc_list(cf->pool, conf) : or_empty(cf->pool, conf.grpc);
  if (grpc == nullptr) return static_cast<char*>(NGX_CONF_ERROR);
  members.grpc_headers.of<ngx_array_t*>(confs) = grpc;
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

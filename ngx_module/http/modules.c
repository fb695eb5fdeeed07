/* The three arrays that nginx looks up in a dynamic module. In C, because nginx's headers declare
 * them in a way that C++ refuses to define. */
#include <ngx_config.h>
#include <ngx_core.h>

extern ngx_module_t ngx_sluice_core_module;
extern ngx_module_t ngx_http_sluice_headers_module;
extern ngx_module_t ngx_http_sluice_module;

#define EXPORT __attribute__((visibility("default")))

EXPORT ngx_module_t* ngx_modules[] = {&ngx_sluice_core_module, &ngx_http_sluice_headers_module,
                                      &ngx_http_sluice_module, NULL};

EXPORT char* ngx_module_names[] = {"ngx_sluice_core_module", "ngx_http_sluice_headers_module",
                                   "ngx_http_sluice_module", NULL};

/* The headers module merges before the proxy and grpc modules. Those not named come last: phase
 * handlers of the last module run first. */
EXPORT char* ngx_module_order[] = {"ngx_http_sluice_headers_module", "ngx_http_proxy_module",
                                   "ngx_http_grpc_module", NULL};

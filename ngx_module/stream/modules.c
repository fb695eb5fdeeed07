/* The three arrays that nginx looks up in a dynamic module. In C, because nginx's headers declare
 * them in a way that C++ refuses to define. */
#include <ngx_config.h>
#include <ngx_core.h>

extern ngx_module_t ngx_stream_sluice_module;

#define EXPORT __attribute__((visibility("default")))

EXPORT ngx_module_t* ngx_modules[] = {&ngx_stream_sluice_module, NULL};

EXPORT char* ngx_module_names[] = {"ngx_stream_sluice_module", NULL};

EXPORT char* ngx_module_order[] = {NULL};

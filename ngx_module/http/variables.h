// $sluice_... variables: what was decided about a request, for logs, limits and headers.
// Page: ngx_module/doc/directives.md
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

bool add_variables(ngx_conf_t* cf);

}  // namespace sluice::http_module

// Where a request meets the module.
// Life of a request: ngx_module/doc/request_lifecycle.md
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// REWRITE phase: plans, so that later phases (limits, access, logs) see the variables.
ngx_int_t rewrite_handler(ngx_http_request_t* r);

// The content handler of a location with sluice_pass: answers, or calls the stock proxy handler.
ngx_int_t content_handler(ngx_http_request_t* r);

// Filters of the answer; after a backend's 101 connections live by other time limits.
ngx_int_t header_filter(ngx_http_request_t* r);

// Puts header_filter, and the filter of request bodies, first in nginx's chains.
void install_filters();

}  // namespace sluice::http_module

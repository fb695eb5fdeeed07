// Texts and header fields in a pool. Their bytes end with a 0, which some of nginx's parsers need.
// Process: nginx worker.   Thread: event loop.   Allocates: the pool given.
// Fails: a null view, or false: out of memory.
#pragma once

#include <initializer_list>
#include <string_view>

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

std::string_view join_copy(ngx_pool_t* pool, std::initializer_list<std::string_view> texts);

std::string_view lower_copy(ngx_pool_t* pool, std::string_view text);

// A field as nginx's parser makes one.
bool make_field(ngx_pool_t* pool, std::string_view name, std::string_view value,
                ngx_table_elt_t& field);

}  // namespace sluice::http_module

// Path and host as RequestRedirect and URLRewrite change them.
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Tested by: test/e2e/test_filters_redirect.py, test/e2e/test_filters_rewrite.py
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ngx_module/http/request_state.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

enum class PathEdit : std::uint8_t { kNone, kFull, kPrefix };

// The parts of one such filter; empty: not given.
struct UrlEdit {
  std::string_view scheme;
  std::string_view hostname;
  PathEdit path_edit = PathEdit::kNone;
  std::string_view path;
};

// None: a part of the filter can't stand in a URL.
std::optional<UrlEdit> read_url_edit(table::FilterReader& filters);

// The Location of a redirect. Null: out of memory.
std::string_view location_of(ngx_http_request_t* r, const RequestState& state,
                             const table::Filter& filter, const UrlEdit& edit);

// Applies a rewrite to what is forwarded. Fails (false): out of memory.
bool rewrite_url(ngx_http_request_t* r, RequestState& state, const UrlEdit& edit);

}  // namespace sluice::http_module

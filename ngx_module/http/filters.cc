#include "ngx_module/http/filters.h"

#include "ngx_module/http/request_state.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

namespace {

bool is_readable(std::string_view list) {
  table::FilterReader filters(list);
  while (filters.next()) {
    while (filters.next_part()) {
    }
  }
  return !filters.broken();
}

}  // namespace

ngx_int_t filters_on_request(ngx_http_request_t*, RequestState& state) {
  core::Plan& plan = state.plan;
  state.filters = {};
  if (!is_readable(plan.rule_filters) || !is_readable(plan.backend_filters)) {
    plan.reason = core::Reason::kBadFilters;
  }
  return NGX_DECLINED;
}

ngx_int_t filters_on_response(ngx_http_request_t*, RequestState&) {
  return NGX_OK;
}

}  // namespace sluice::http_module

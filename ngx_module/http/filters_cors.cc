#include "ngx_module/http/filters_cors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>

#include "ngx_module/http/pool_text.h"
#include "ngx_module/http/response_fields.h"
#include "shared/http/field.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

using table::PartKind;

constexpr std::array<std::string_view, 6> kFields = {
    "Access-Control-Allow-Origin",   "Access-Control-Allow-Credentials",
    "Access-Control-Expose-Headers", "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",  "Access-Control-Max-Age",
};

std::string_view request_field(const ngx_http_request_t* r, std::string_view name) {
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const auto* const fields = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (http::same_header_name(ngx::view(fields[i].key), name)) return ngx::view(fields[i].value);
    }
  }
  return {};
}

// The four lists of a filter, as they are read.
class PolicyReader {
 public:
  explicit PolicyReader(ngx_pool_t* pool) : pool_(pool) {}

  bool read(table::FilterReader& filters, const table::Filter& filter, http::CorsPolicy& policy) {
    while (const auto part = filters.next_part()) {
      const auto kind = std::find(kKinds.begin(), kKinds.end(), part->kind);
      // A value that can't be said in a field allows nothing.
      if (kind == kKinds.end() || !http::is_field_value(part->value)) continue;
      ngx_array_t*& list = lists_.at(static_cast<std::size_t>(kind - kKinds.begin()));
      if (list == nullptr) list = ngx_array_create(pool_, 4, sizeof(std::string_view));
      void* const at = list == nullptr ? nullptr : ngx_array_push(list);
      if (at == nullptr) return false;
      new (at) std::string_view(part->value);
    }
    policy.allow_credentials = filter.allow_credentials != 0;
    policy.max_age = filter.max_age;
    policy.allow_origins = list(0);
    policy.allow_methods = list(1);
    policy.allow_headers = list(2);
    policy.expose_headers = list(3);
    return true;
  }

 private:
  static constexpr std::array kKinds = {PartKind::kAllowOrigin, PartKind::kAllowMethod,
                                        PartKind::kAllowHeader, PartKind::kExposeHeader};

  http::CorsList list(std::size_t index) const {
    const ngx_array_t* const list = lists_.at(index);
    if (list == nullptr) return {};
    return {static_cast<const std::string_view*>(list->elts), list->nelts};
  }

  ngx_pool_t* pool_;
  std::array<ngx_array_t*, kKinds.size()> lists_{};
};

std::string_view joined(ngx_pool_t* pool, http::CorsList list) {
  std::size_t bytes = 0;
  for (const std::string_view one : list)
    bytes += one.size() + 2;
  auto* const text = static_cast<char*>(ngx_pnalloc(pool, bytes + 1));
  if (text == nullptr) return {};
  char* end = text;
  for (const std::string_view one : list) {
    if (end != text) end = std::copy_n(", ", 2, end);
    end = std::copy(one.begin(), one.end(), end);
  }
  return {text, static_cast<std::size_t>(end - text)};
}

bool tell(ngx_http_request_t* r, std::string_view name, const http::CorsValue& value) {
  if (value.empty()) return true;
  const std::string_view text = value.text.empty() ? joined(r->pool, value.list) : value.text;
  return text.data() != nullptr && ResponseFields(r).set(name, text);
}

bool tell_max_age(ngx_http_request_t* r, std::uint32_t seconds) {
  std::array<char, 10> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), seconds).ptr;
  return ResponseFields(r).set(kFields[5],
                               {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool tell_exposed(ngx_http_request_t* r, const http::CorsAnswer& answer) {
  if (!answer.expose_all) return tell(r, kFields[2], answer.expose_headers);
  const std::string_view names = ResponseFields(r).names();
  return names.data() != nullptr && tell(r, kFields[2], {names, {}});
}

}  // namespace

bool decide_cors(ngx_http_request_t* r, RequestState& state, table::FilterReader& filters,
                 const table::Filter& filter) {
  http::CorsPolicy policy;
  if (!PolicyReader(r->pool).read(filters, filter, policy)) return false;
  const http::CorsRequest request = {
      request_field(r, "Origin"),
      request_field(r, "Access-Control-Request-Method"),
      request_field(r, "Access-Control-Request-Headers"),
  };
  auto* const cors = static_cast<CorsDecision*>(ngx_palloc(r->pool, sizeof(CorsDecision)));
  if (cors == nullptr) return false;
  state.filters.cors = new (cors) CorsDecision{
      http::answer_cors(policy, request),
      http::is_preflight(ngx::view(r->method_name), request),
      policy.max_age,
  };
  return true;
}

bool tell_cors(ngx_http_request_t* r, const FilterState& filters) {
  if (filters.cors == nullptr) return true;
  const http::CorsAnswer& answer = filters.cors->answer;
  ResponseFields fields(r);
  for (const std::string_view name : kFields) {
    if (!fields.remove(name)) return false;
  }
  if (answer.vary && !fields.lists("Vary", "Origin") && !fields.add("Vary", "Origin")) return false;
  if (answer.allow_origin.empty()) return true;
  // Before the fields of CORS are there, which browsers read without being allowed to.
  if (!tell_exposed(r, answer)) return false;
  if (!fields.set(kFields[0], answer.allow_origin)) return false;
  if (answer.allow_credentials && !fields.set(kFields[1], "true")) return false;
  if (!filters.cors->preflight) return true;
  return tell(r, kFields[3], answer.allow_methods) && tell(r, kFields[4], answer.allow_headers) &&
         tell_max_age(r, filters.cors->max_age);
}

}  // namespace sluice::http_module

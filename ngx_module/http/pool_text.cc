#include "ngx_module/http/pool_text.h"

#include <algorithm>

#include "shared/http/header.h"

namespace sluice::http_module {

std::string_view join_copy(ngx_pool_t* pool, std::initializer_list<std::string_view> texts) {
  std::size_t bytes = 0;
  for (const std::string_view text : texts)
    bytes += text.size();
  auto* const copy = static_cast<char*>(ngx_pnalloc(pool, bytes + 1));
  if (copy == nullptr) return {};
  char* end = copy;
  for (const std::string_view text : texts)
    end = std::copy(text.begin(), text.end(), end);
  *end = '\0';
  return {copy, bytes};
}

std::string_view lower_copy(ngx_pool_t* pool, std::string_view text) {
  auto* const copy = static_cast<char*>(ngx_pnalloc(pool, text.size() + 1));
  if (copy == nullptr) return {};
  *std::transform(text.begin(), text.end(), copy, http::lower) = '\0';
  return {copy, text.size()};
}

bool make_field(ngx_pool_t* pool, std::string_view name, std::string_view value,
                ngx_table_elt_t& field) {
  const std::string_view key = join_copy(pool, {name});
  const std::string_view lower = lower_copy(pool, name);
  const std::string_view copy = join_copy(pool, {value});
  if (key.data() == nullptr || lower.data() == nullptr || copy.data() == nullptr) return false;
  field = {};
  field.key = ngx::str(key);
  field.lowcase_key = ngx::str(lower).data;
  field.value = ngx::str(copy);
  field.hash = ngx_hash_key(field.lowcase_key, lower.size());
  return true;
}

}  // namespace sluice::http_module

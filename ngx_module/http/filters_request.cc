#include "ngx_module/http/filters_request.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "ngx_module/http/pool_text.h"
#include "shared/http/field.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

using table::FilterReader;
using table::FilterType;
using table::PartKind;

constexpr ngx_uint_t kSpareFields = 8;
constexpr std::string_view kConnection = "Connection";

// The fields of one request while they are edited.
class RequestFields {
 public:
  explicit RequestFields(ngx_http_request_t* r) : r_(r) {}

  bool start();
  bool set(std::string_view name, std::string_view value);
  bool add(std::string_view name, std::string_view value);
  bool remove(std::string_view name);
  // Fields that Connection says are not to be passed on.
  bool remove_nominated();
  bool finish();

 private:
  bool note_known(std::string_view name);
  bool link(const ngx_http_header_t& known);

  std::span<ngx_table_elt_t> fields() {
    return {static_cast<ngx_table_elt_t*>(fields_->elts), fields_->nelts};
  }

  ngx_http_request_t* r_;
  ngx_array_t* fields_ = nullptr;
  ngx_array_t* known_ = nullptr;  // of ngx_http_header_t*: those that nginx has pointers for
};

bool is_named(const ngx_table_elt_t& field, std::string_view name) {
  return http::same_header_name(ngx::view(field.key), name);
}

bool RequestFields::start() {
  ngx_uint_t count = 0;
  const ngx_list_part_t* const first = &r_->headers_in.headers.part;
  for (const auto* part = first; part != nullptr; part = part->next)
    count += part->nelts;
  fields_ = ngx_array_create(r_->pool, count + kSpareFields, sizeof(ngx_table_elt_t));
  known_ = ngx_array_create(r_->pool, kSpareFields, sizeof(ngx_http_header_t*));
  if (fields_ == nullptr || known_ == nullptr) return false;
  for (const auto* part = first; part != nullptr; part = part->next) {
    void* const copies = ngx_array_push_n(fields_, part->nelts);
    if (copies == nullptr) return false;
    ngx_memcpy(copies, part->elts, part->nelts * sizeof(ngx_table_elt_t));
  }
  return true;
}

bool RequestFields::add(std::string_view name, std::string_view value) {
  ngx_table_elt_t field{};
  if (!make_field(r_->pool, name, value, field)) return false;
  auto* const added = static_cast<ngx_table_elt_t*>(ngx_array_push(fields_));
  if (added == nullptr) return false;
  *added = field;
  return note_known(name);
}

bool RequestFields::set(std::string_view name, std::string_view value) {
  const auto all = fields();
  const auto same = std::find_if(all.begin(), all.end(),
                                 [name](const auto& field) { return is_named(field, name); });
  if (same == all.end()) return add(name, value);
  if (!make_field(r_->pool, name, value, *same)) return false;
  const auto end = std::remove_if(same + 1, all.end(),
                                  [name](const auto& field) { return is_named(field, name); });
  fields_->nelts = static_cast<ngx_uint_t>(end - all.begin());
  return note_known(name);
}

bool RequestFields::remove(std::string_view name) {
  const auto all = fields();
  const auto end = std::remove_if(all.begin(), all.end(),
                                  [name](const auto& field) { return is_named(field, name); });
  fields_->nelts = static_cast<ngx_uint_t>(end - all.begin());
  return note_known(name);
}

bool RequestFields::remove_nominated() {
  // The texts stay where they are, whatever becomes of the fields.
  ngx_array_t* const values = ngx_array_create(r_->pool, 2, sizeof(ngx_str_t));
  if (values == nullptr) return false;
  for (const ngx_table_elt_t& field : fields()) {
    if (!is_named(field, kConnection)) continue;
    auto* const value = static_cast<ngx_str_t*>(ngx_array_push(values));
    if (value == nullptr) return false;
    *value = field.value;
  }
  bool done = true;
  for (const ngx_str_t& value : std::span(static_cast<ngx_str_t*>(values->elts), values->nelts)) {
    http::for_each_nominated(ngx::view(value), [&](std::string_view name) {
      // TE is read once more, to tell the backend anew whether trailers are welcome.
      if (!find_own_header(name) && !http::same_header_name(name, "TE"))
        done = done && remove(name);
    });
  }
  return done;
}

bool RequestFields::note_known(std::string_view name) {
  const auto* const main = static_cast<const ngx_http_core_main_conf_t*>(
      ngx_http_get_module_main_conf(r_, ngx_http_core_module));
  const std::string_view lower = lower_copy(r_->pool, name);
  if (lower.data() == nullptr) return false;
  const ngx_str_t key = ngx::str(lower);
  auto* const known = static_cast<ngx_http_header_t*>(
      ngx_hash_find(const_cast<ngx_hash_t*>(&main->headers_in_hash),
                    ngx_hash_key(key.data, key.len), key.data, key.len));
  if (known == nullptr || known->offset == 0) return true;
  auto** const noted = static_cast<ngx_http_header_t**>(ngx_array_push(known_));
  if (noted == nullptr) return false;
  *noted = known;
  return true;
}

bool RequestFields::link(const ngx_http_header_t& known) {
  char* const member = reinterpret_cast<char*>(&r_->headers_in) + known.offset;
  const std::string_view name = ngx::view(known.name);
#if (nginx_version < 1023000)
  if (known.offset == offsetof(ngx_http_headers_in_t, cookies)) {
    ngx_array_t cookies;
    if (ngx_array_init(&cookies, r_->pool, 2, sizeof(ngx_table_elt_t*)) != NGX_OK) return false;
    for (ngx_table_elt_t& field : fields()) {
      if (!is_named(field, name)) continue;
      auto** const cookie = static_cast<ngx_table_elt_t**>(ngx_array_push(&cookies));
      if (cookie == nullptr) return false;
      *cookie = &field;
    }
    r_->headers_in.cookies = cookies;
    return true;
  }
#endif
  auto** at = reinterpret_cast<ngx_table_elt_t**>(member);
  *at = nullptr;
  for (ngx_table_elt_t& field : fields()) {
    if (!is_named(field, name)) continue;
    *at = &field;
#if (nginx_version < 1023000)
    break;
#else
    field.next = nullptr;
    at = &field.next;
#endif
  }
  return true;
}

bool RequestFields::finish() {
  ngx_list_t& list = r_->headers_in.headers;
  // One part: nginx's loops expect no empty one behind the first.
  list.part = {fields_->elts, fields_->nelts, nullptr};
  list.last = &list.part;
  list.nalloc = fields_->nalloc;
  list.size = sizeof(ngx_table_elt_t);
  list.pool = r_->pool;
  const std::span known{static_cast<ngx_http_header_t**>(known_->elts), known_->nelts};
  return std::all_of(known.begin(), known.end(),
                     [this](const auto* entry) { return link(*entry); });
}

bool edit_own(ngx_http_request_t* r, RequestState& state, OwnHeader header,
              const table::PartReader::Value& part) {
  if (header == OwnHeader::kHost) {
    // A request has exactly one.
    if (part.kind != PartKind::kRemoveHeader && !part.value.empty())
      forward_host(state, part.value);
    return true;
  }
  std::string_view value = part.value;
  if (part.kind == PartKind::kRemoveHeader) value = {};
  if (part.kind == PartKind::kAddHeader) {
    const std::string_view before = own_header_value(r, header);
    if (!before.empty()) value = join_copy(r->pool, {before, ",", value});
    if (value.data() == nullptr) return false;
  }
  state.filters.own_headers[header] = {true, ngx::str(value)};
  return true;
}

EditResult edit(ngx_http_request_t* r, RequestState& state, RequestFields& fields,
                const table::PartReader::Value& part) {
  if (!http::is_field_name(part.name)) {
    // No field has such a name.
    return part.kind == PartKind::kRemoveHeader ? EditResult::kDone : EditResult::kBroken;
  }
  if (!http::is_field_value(part.value)) return EditResult::kBroken;
  if (http::is_connection_field(part.name)) return EditResult::kDone;
  bool done = false;
  if (const auto own = find_own_header(part.name)) {
    done = edit_own(r, state, *own, part);
  } else if (part.kind == PartKind::kSetHeader) {
    done = fields.set(part.name, part.value);
  } else if (part.kind == PartKind::kAddHeader) {
    done = fields.add(part.name, part.value);
  } else {
    done = fields.remove(part.name);
  }
  return done ? EditResult::kDone : EditResult::kOutOfMemory;
}

bool nominates_fields(const ngx_http_request_t* r) {
  bool found = false;
  for (const ngx_list_part_t* part = &r->headers_in.headers.part; part; part = part->next) {
    const std::span all(static_cast<const ngx_table_elt_t*>(part->elts), part->nelts);
    for (const ngx_table_elt_t& field : all) {
      if (!is_named(field, kConnection)) continue;
      http::for_each_nominated(ngx::view(field.value),
                               [&found](std::string_view) { found = true; });
    }
  }
  return found;
}

bool has_edits(std::string_view list) {
  FilterReader filters(list);
  while (const auto filter = filters.next()) {
    if (filter->type == FilterType::kRequestHeaderModifier) return true;
  }
  return false;
}

}  // namespace

EditResult edit_request_headers(ngx_http_request_t* r, RequestState& state) {
  const std::array lists = {state.plan.rule_filters, state.plan.backend_filters};
  const bool nominated = nominates_fields(r);
  if (!nominated && std::none_of(lists.begin(), lists.end(), has_edits)) return EditResult::kDone;
  auto* const before =
      static_cast<ngx_http_headers_in_t*>(ngx_palloc(r->pool, sizeof(ngx_http_headers_in_t)));
  if (before == nullptr) return EditResult::kOutOfMemory;
  *before = r->headers_in;
  RequestFields fields(r);
  if (!fields.start() || (nominated && !fields.remove_nominated())) {
    return EditResult::kOutOfMemory;
  }
  for (const std::string_view list : lists) {
    FilterReader filters(list);
    while (const auto filter = filters.next()) {
      if (filter->type != FilterType::kRequestHeaderModifier) continue;
      while (const auto part = filters.next_part()) {
        const EditResult result = edit(r, state, fields, *part);
        if (result != EditResult::kDone) return result;
      }
    }
  }
  state.filters.client_headers = before;
  return fields.finish() ? EditResult::kDone : EditResult::kOutOfMemory;
}

void forward_host(RequestState& state, std::string_view host) {
  state.filters.own_headers[OwnHeader::kHost] = {true, ngx::str(host)};
}

void restore_request_headers(ngx_http_request_t* r, RequestState& state) {
  const ngx_http_headers_in_t* const before = state.filters.client_headers;
  if (before == nullptr) return;
  ngx_http_headers_in_t restored = *before;
  // What reading the body changed since.
  restored.content_length_n = r->headers_in.content_length_n;
  restored.chunked = r->headers_in.chunked;
  r->headers_in = restored;
  state.filters.client_headers = nullptr;
}

}  // namespace sluice::http_module

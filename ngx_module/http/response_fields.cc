#include "ngx_module/http/response_fields.h"

#include <algorithm>
#include <array>

#include "ngx_module/http/pool_text.h"
#include "shared/http/header.h"

namespace sluice::http_module {

namespace {

constexpr std::string_view kContentType = "Content-Type";

// Where nginx looks for a field besides its list.
struct Known {
  std::string_view name;
  std::size_t member;  // of ngx_http_headers_out_t
  bool once;           // an answer has it once at most
};

constexpr std::array kKnown = {
    Known{"Server", offsetof(ngx_http_headers_out_t, server), true},
    Known{"Date", offsetof(ngx_http_headers_out_t, date), true},
    Known{"Content-Encoding", offsetof(ngx_http_headers_out_t, content_encoding), false},
    Known{"Location", offsetof(ngx_http_headers_out_t, location), true},
    Known{"Refresh", offsetof(ngx_http_headers_out_t, refresh), true},
    Known{"Last-Modified", offsetof(ngx_http_headers_out_t, last_modified), true},
    Known{"Content-Range", offsetof(ngx_http_headers_out_t, content_range), true},
    Known{"Accept-Ranges", offsetof(ngx_http_headers_out_t, accept_ranges), false},
    Known{"WWW-Authenticate", offsetof(ngx_http_headers_out_t, www_authenticate), false},
    Known{"Expires", offsetof(ngx_http_headers_out_t, expires), true},
    Known{"ETag", offsetof(ngx_http_headers_out_t, etag), true},
    Known{"Cache-Control", offsetof(ngx_http_headers_out_t, cache_control), false},
    Known{"Link", offsetof(ngx_http_headers_out_t, link), false},
};

const Known* find_known(std::string_view name) {
  const auto* const found = std::find_if(kKnown.begin(), kKnown.end(), [name](const Known& known) {
    return http::same_header_name(known.name, name);
  });
  return found == kKnown.end() ? nullptr : found;
}

bool is_content_type(std::string_view name) {
  return http::same_header_name(name, kContentType);
}

// charset and gzip compare the type without its parameters.
void set_content_type(ngx_http_request_t* r, std::string_view value) {
  r->headers_out.content_type = ngx::str(value);
  r->headers_out.content_type_len = std::min(value.find_first_of("; "), value.size());
  r->headers_out.content_type_lowcase = nullptr;
  r->headers_out.charset = {};
  // Otherwise the charset filter would replace what the value says.
  if (r->headers_out.content_type_len != value.size()) r->headers_out.override_charset = nullptr;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool list_has(std::string_view list, std::string_view element) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = trimmed(list.substr(0, comma));
    if (one == "*" || http::same_header_name(one, element)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

// An empty name: every field.
template <class Visit>
void ResponseFields::each(std::string_view name, Visit visit) {
  for (ngx_list_part_t* part = &r_->headers_out.headers.part; part != nullptr; part = part->next) {
    auto* const fields = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (fields[i].hash == 0) continue;
      if (name.empty() || http::same_header_name(ngx::view(fields[i].key), name)) visit(fields[i]);
    }
  }
}

ngx_table_elt_t* ResponseFields::first(std::string_view name) {
  ngx_table_elt_t* found = nullptr;
  each(name, [&found](ngx_table_elt_t& field) {
    if (found == nullptr) found = &field;
  });
  return found;
}

ngx_table_elt_t* ResponseFields::push(std::string_view name, std::string_view value) {
  ngx_table_elt_t made{};
  if (!make_field(r_->pool, name, value, made)) return nullptr;
  auto* const field = static_cast<ngx_table_elt_t*>(ngx_list_push(&r_->headers_out.headers));
  if (field == nullptr) return nullptr;
  *field = made;
  field->hash = 1;  // 0 means deleted, and a name's own hash may be 0
  return field;
}

void ResponseFields::drop(std::string_view name) {
  each(name, [](ngx_table_elt_t& field) { field.hash = 0; });
}

bool ResponseFields::set(std::string_view name, std::string_view value) {
  if (is_content_type(name)) {
    const std::string_view copy = join_copy(r_->pool, {value});
    if (copy.data() == nullptr) return false;
    set_content_type(r_, copy);
    return true;
  }
  drop(name);
  return push(name, value) != nullptr && link(name);
}

bool ResponseFields::add(std::string_view name, std::string_view value) {
  std::string_view before;
  const Known* const known = find_known(name);
  if (is_content_type(name)) {
    before = ngx::view(r_->headers_out.content_type);
  } else if (known != nullptr && known->once) {
    if (const ngx_table_elt_t* const field = first(name)) before = ngx::view(field->value);
  } else {
    return push(name, value) != nullptr && link(name);
  }
  if (before.empty()) return set(name, value);
  const std::string_view joined = join_copy(r_->pool, {before, ",", value});
  return joined.data() != nullptr && set(name, joined);
}

bool ResponseFields::remove(std::string_view name) {
  if (is_content_type(name)) {
    set_content_type(r_, {});
    return true;
  }
  drop(name);
  return link(name);
}

bool ResponseFields::link(std::string_view name) {
  const Known* const known = find_known(name);
  if (known == nullptr) return true;
  ngx_http_headers_out_t& out = r_->headers_out;
  if (known->member == offsetof(ngx_http_headers_out_t, location)) {
    out.location = nullptr;  // nginx would make an absolute one of it
    return true;
  }
  if (known->member == offsetof(ngx_http_headers_out_t, last_modified)) {
    const ngx_table_elt_t* const field = first(name);
    out.last_modified_time =
        field == nullptr ? -1 : ngx_parse_http_time(field->value.data, field->value.len);
  }
  if (!link_chain(known->name, known->member)) return false;
  if (known->member == offsetof(ngx_http_headers_out_t, server)) {
    return hide_made_up(name, out.server);
  }
  if (known->member == offsetof(ngx_http_headers_out_t, date)) return hide_made_up(name, out.date);
  return true;
}

bool ResponseFields::link_chain(std::string_view name, std::size_t offset) {
  char* const member = reinterpret_cast<char*>(&r_->headers_out) + offset;
#if (nginx_version < 1023000)
  if (offset == offsetof(ngx_http_headers_out_t, cache_control) ||
      offset == offsetof(ngx_http_headers_out_t, link)) {
    ngx_array_t all;
    if (ngx_array_init(&all, r_->pool, 2, sizeof(ngx_table_elt_t*)) != NGX_OK) return false;
    bool pushed = true;
    each(name, [&](ngx_table_elt_t& field) {
      auto** const at = static_cast<ngx_table_elt_t**>(ngx_array_push(&all));
      if (at == nullptr) {
        pushed = false;
      } else {
        *at = &field;
      }
    });
    *reinterpret_cast<ngx_array_t*>(member) = all.nelts == 0 ? ngx_array_t{} : all;
    return pushed;
  }
  *reinterpret_cast<ngx_table_elt_t**>(member) = first(name);
#else
  auto** at = reinterpret_cast<ngx_table_elt_t**>(member);
  *at = nullptr;
  each(name, [&at](ngx_table_elt_t& field) {
    *at = &field;
    field.next = nullptr;
    at = &field.next;
  });
#endif
  return true;
}

// Of a field that nginx makes up where there is none: a deleted one stands for "none".
bool ResponseFields::hide_made_up(std::string_view name, ngx_table_elt_t*& member) {
  if (member != nullptr) return true;
  member = push(name, {});
  if (member == nullptr) return false;
  member->hash = 0;
  return true;
}

bool ResponseFields::lists(std::string_view name, std::string_view element) {
  bool found = false;
  each(name, [&](const ngx_table_elt_t& field) {
    found = found || list_has(ngx::view(field.value), element);
  });
  return found;
}

std::string_view ResponseFields::names() {
  std::size_t bytes = 0;
  each({}, [&bytes](const ngx_table_elt_t& field) { bytes += field.key.len + 2; });
  auto* const text = static_cast<char*>(ngx_pnalloc(r_->pool, bytes + 1));
  if (text == nullptr) return {};
  char* end = text;
  each({}, [&](const ngx_table_elt_t& field) {
    if (end != text) end = std::copy_n(", ", 2, end);
    const std::string_view name = ngx::view(field.key);
    end = std::copy(name.begin(), name.end(), end);
  });
  *end = '\0';
  return {text, static_cast<std::size_t>(end - text)};
}

}  // namespace sluice::http_module

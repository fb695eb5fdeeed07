// Edits of the header fields of an answer, before nginx's own header filters see them.
//
// Some fields are not in nginx's list: Content-Type is a member, Server and Date are made up where
// their pointer is null, others are found through pointers, which follow every edit.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Fails: false: out of memory.   Tested by: test/e2e/test_filters_headers.py
#pragma once

#include <string_view>

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

class ResponseFields {
 public:
  explicit ResponseFields(ngx_http_request_t* r) : r_(r) {}

  // One field of the name with this value instead of all that are there.
  bool set(std::string_view name, std::string_view value);
  // Another field; of a name that an answer has once at most, "old,value".
  bool add(std::string_view name, std::string_view value);
  bool remove(std::string_view name);

  // Whether a field of the name lists `element`, or "*".
  bool lists(std::string_view name, std::string_view element);
  // The names of all fields, joined with ", "; null: out of memory.
  std::string_view names();

 private:
  ngx_table_elt_t* first(std::string_view name);
  ngx_table_elt_t* push(std::string_view name, std::string_view value);
  void drop(std::string_view name);
  bool link(std::string_view name);
  bool link_chain(std::string_view name, std::size_t member);
  bool hide_made_up(std::string_view name, ngx_table_elt_t*& member);

  template <class Visit>
  void each(std::string_view name, Visit visit);

  ngx_http_request_t* r_;
};

}  // namespace sluice::http_module

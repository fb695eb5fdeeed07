// What a CORS filter answers to an origin.
//
// Browsers do not take "*" for a wildcard when credentials are allowed, so then what the request
// asks for is echoed instead.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.   Fails: never.
// Spec: gateway-api v1 HTTPCORSFilter; fetch.spec.whatwg.org 3.2 (CORS protocol)
// Tested by: test/unit/shared/http/cors_test.cc, test/property/cors_test.cc
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::http {

using CorsList = std::span<const std::string_view>;

struct CorsPolicy {
  bool allow_credentials = false;
  std::uint32_t max_age = 5;  // seconds
  CorsList allow_origins;
  CorsList allow_methods;
  CorsList allow_headers;
  CorsList expose_headers;
};

// Fields of the request; empty: absent.
struct CorsRequest {
  std::string_view origin;
  std::string_view method;   // Access-Control-Request-Method
  std::string_view headers;  // Access-Control-Request-Headers
};

// The value of one answer field: `text` when it isn't empty, else `list` joined with ", ". Both
// empty: the field is left out.
struct CorsValue {
  std::string_view text;
  CorsList list;

  bool empty() const { return text.empty() && list.empty(); }
};

struct CorsAnswer {
  std::string_view allow_origin;  // empty: this origin is not allowed, and all below is empty
  bool allow_credentials = false;
  bool vary = false;        // the answer depends on Origin; also when it is not allowed
  bool expose_all = false;  // every field of the answer, each by its name
  CorsValue allow_methods;  // this and the next one: of a preflight
  CorsValue allow_headers;
  CorsValue expose_headers;
};

// `pattern`: "*", an origin, or one whose host has one '*', which stands for one or more characters
// of a host, dots included. Without regard to case.
bool origin_matches(std::string_view pattern, std::string_view origin);

// An OPTIONS request that a browser sends before the actual one.
bool is_preflight(std::string_view method, const CorsRequest& request);

CorsAnswer answer_cors(const CorsPolicy& policy, const CorsRequest& request);

}  // namespace sluice::http

#include <array>

#include "ngx_module/core/plan.h"

namespace sluice::core {

namespace {

struct Row {
  Reason reason;
  std::uint16_t status;
  std::string_view name;
  std::string_view text;
};

constexpr std::array kRows = {
    Row{Reason::kNone, 0, "", ""},
    Row{Reason::kNoTable, 503, "no_table", "no routes have been published yet\n"},
    Row{Reason::kBadPath, 400, "bad_path", "this path is not valid\n"},
    Row{Reason::kPathTooLong, 414, "path_too_long", "this path is too long\n"},
    Row{Reason::kBadHost, 400, "bad_host", "this host is not valid\n"},
    Row{Reason::kNoListener, 404, "no_listener", "no listener for this host\n"},
    Row{Reason::kMisdirected, 421, "misdirected",
        "this connection is for another host: open a new one\n"},
    Row{Reason::kNoRule, 404, "no_rule", "no route for this request\n"},
    Row{Reason::kNoBackends, 500, "no_backends", "this route has no backends\n"},
    Row{Reason::kInvalidBackend, 500, "invalid_backend", "this route's backend is not valid\n"},
    Row{Reason::kBackendGone, 503, "backend_gone", "this backend was just removed\n"},
    Row{Reason::kNoEndpoints, 503, "no_endpoints", "this backend has no ready endpoints\n"},
    Row{Reason::kConnectFailed, 502, "connect_failed", "no endpoint could be connected to\n"},
    Row{Reason::kBackendTls, 500, "backend_tls", "the backend can't be verified\n"},
    Row{Reason::kBadFilters, 500, "bad_filters", "the filters of the route can't be read\n"},
    Row{Reason::kNoHttp2, 500, "no_http2", "this gateway can't speak HTTP/2 to backends\n"},
    Row{Reason::kRequestTimeout, 504, "request_timeout", "the request took too long\n"},
    Row{Reason::kBackendTimeout, 504, "backend_timeout", "the backend took too long\n"},
    Row{Reason::kBodyTooLarge, 413, "body_too_large", "the body is too large\n"},
    Row{Reason::kUriTooLong, 414, "uri_too_long", "this path with its query is too long\n"},
    Row{Reason::kHeadersTooLarge, 431, "headers_too_large", "the header fields are too large\n"},
};

const Row& row(Reason reason) {
  return kRows[static_cast<std::size_t>(reason) % kRows.size()];
}

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  }
  return true;
}

static_assert(rows_are_in_order());

}  // namespace

std::string_view reason_name(Reason reason) {
  return row(reason).name;
}

std::uint16_t reason_status(Reason reason) {
  return row(reason).status;
}

std::string_view reason_text(Reason reason) {
  return row(reason).text;
}

}  // namespace sluice::core

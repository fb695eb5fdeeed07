#include "ngx_module/core/grpc_status.h"

#include <charconv>

#include "shared/http/header.h"

namespace sluice::core {

namespace {

GrpcStatus of_http(std::uint64_t status) {
  switch (status) {
    case 400:
      return GrpcStatus::kInternal;
    case 401:
      return GrpcStatus::kUnauthenticated;
    case 403:
      return GrpcStatus::kPermissionDenied;
    case 404:
      return GrpcStatus::kUnimplemented;
    case 408:
      return GrpcStatus::kDeadlineExceeded;
    case 413:
      return GrpcStatus::kResourceExhausted;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::kUnavailable;
    default:
      return GrpcStatus::kUnknown;
  }
}

// A unit of grpc-timeout: milliseconds, or how many of it a millisecond has.
struct Unit {
  std::uint64_t milliseconds = 0;
  std::uint64_t per_millisecond = 1;
};

Unit unit_of(char letter) {
  switch (letter) {
    case 'H':
      return {3'600'000};
    case 'M':
      return {60'000};
    case 'S':
      return {1'000};
    case 'm':
      return {1};
    case 'u':
      return {1, 1'000};
    case 'n':
      return {1, 1'000'000};
    default:
      return {};
  }
}

}  // namespace

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!http::same_header_name(content_type.substr(0, kType.size()), kType)) return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

std::optional<std::uint64_t> grpc_timeout_ms(std::string_view value) {
  constexpr std::size_t kMaxDigits = 8;
  if (value.size() < 2 || value.size() > kMaxDigits + 1) return std::nullopt;
  const Unit unit = unit_of(value.back());
  value.remove_suffix(1);
  std::uint64_t number = 0;
  const char* const begin = value.data();
  const char* const end = begin + value.size();
  const auto parsed = std::from_chars(begin, end, number);
  if (unit.milliseconds == 0 || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number * unit.milliseconds / unit.per_millisecond;
}

GrpcStatus grpc_status(Reason reason, std::uint64_t http_status) {
  switch (reason) {
    case Reason::kRequestTimeout:
    case Reason::kBackendTimeout:
      return GrpcStatus::kDeadlineExceeded;
    case Reason::kNoBackends:
    case Reason::kInvalidBackend:
      return GrpcStatus::kUnavailable;
    case Reason::kBadFilters:
    case Reason::kNoHttp2:
      return GrpcStatus::kInternal;
    default:
      return of_http(http_status);
  }
}

std::string_view grpc_status_text(GrpcStatus status) {
  switch (status) {
    case GrpcStatus::kUnknown:
      return "2";
    case GrpcStatus::kDeadlineExceeded:
      return "4";
    case GrpcStatus::kPermissionDenied:
      return "7";
    case GrpcStatus::kResourceExhausted:
      return "8";
    case GrpcStatus::kUnimplemented:
      return "12";
    case GrpcStatus::kInternal:
      return "13";
    case GrpcStatus::kUnavailable:
      return "14";
    case GrpcStatus::kUnauthenticated:
      return "16";
  }
  return "2";
}

std::string_view grpc_message(Reason reason, GrpcStatus status) {
  std::string_view text = reason_text(reason);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.empty()) return text;
  switch (status) {
    case GrpcStatus::kDeadlineExceeded:
      return "the request took too long";
    case GrpcStatus::kUnavailable:
      return "the backend did not answer";
    default:
      return "the request was refused before a backend was asked";
  }
}

}  // namespace sluice::core

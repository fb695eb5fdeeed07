// Headers and query parameters of one request, indexed when the first condition asks for them.
//
// Process: nginx worker, sluicectl.   Thread: one.
// Allocates: only when a request has more header fields than any before it.
// Lifetime: borrows the RequestView from begin() to the next begin().
// Tested by: test/unit/shared/match/request_facts_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "shared/http/query.h"
#include "shared/match/matcher.h"

namespace sluice::match {

// A joined header value or a decoded parameter that is longer matches nothing.
inline constexpr std::size_t kMaxScratchBytes = 8192;

class RequestFacts {
 public:
  RequestFacts();

  void begin(const RequestView& request);

  // The value of the field `name` (lower case): repeated fields joined with ",". Valid until the
  // next call. None: there is no such field, or the joined value is too long.
  std::optional<std::string_view> header(std::uint32_t name_hash, std::string_view name);

  // The first parameter of that name, raw.
  std::optional<std::string_view> query(std::string_view name);

  // The same, decoded. None also when it is too long. Valid until the next call.
  std::optional<std::string_view> decoded_query(std::string_view name);

 private:
  void index_headers();
  const HeaderView* next_field(std::uint32_t& at, std::uint32_t hash, std::string_view name) const;

  const RequestView* request_ = nullptr;
  bool headers_indexed_ = false;
  bool query_parsed_ = false;
  std::uint32_t bucket_mask_ = 0;
  std::vector<std::uint16_t> first_;  // by bucket: number of a field, from 1; 0 = none
  std::vector<std::uint16_t> next_;   // by field: the next one of its bucket
  http::QueryParameters parameters_;
  std::array<char, kMaxScratchBytes> scratch_;
};

}  // namespace sluice::match

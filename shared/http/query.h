// Query parameters: cut at '&', compared decoded.
//
// Names and values are compared after "%XX" and '+' (a space) are decoded, as HTML forms encode
// them; a broken escape stands for itself. A parameter without '=' has the empty value. Of a name
// that comes twice the first counts; only the first kMaxQueryParameters count at all, so that a
// hostile query costs no more than that.
//
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.
// Spec: gateway-api v1 HTTPQueryParamMatch; WHATWG URL 5.1
// Tested by: test/unit/shared/http/query_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

inline constexpr std::size_t kMaxQueryParameters = 64;

struct QueryParameter {
  std::string_view name;  // raw
  std::string_view value;
};

// The parameters of one query, in order; views into it.
class QueryParameters {
 public:
  // Forgets what was parsed before. Empty pieces ("a=1&&b=2") are not parameters.
  void parse(std::string_view query);
  // `name` as people write it, not encoded.
  const QueryParameter* find(std::string_view name) const;

  std::size_t size() const { return count_; }

 private:
  std::array<QueryParameter, kMaxQueryParameters> parameters_;
  std::size_t count_ = 0;
};

// Whether `raw`, decoded, is `plain`.
bool decodes_to(std::string_view raw, std::string_view plain);

// Decodes into `buffer`; none when it is too small. Returns `raw` itself where nothing is encoded.
std::optional<std::string_view> decode_query(std::string_view raw, std::span<char> buffer);

}  // namespace sluice::http

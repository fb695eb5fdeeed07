#include "shared/match/request_facts.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "shared/http/header.h"

namespace sluice::match {

namespace {

constexpr std::size_t kMaxFields = 65'534;  // of one request that are looked at
constexpr std::size_t kUsualFields = 64;
constexpr std::size_t kMinBuckets = 32;
constexpr std::size_t kMaxBuckets = 4096;
constexpr std::string_view kJoin = ",";

// nginx's name hash keeps similar names together; the product spreads them.
std::uint32_t bucket_of(std::uint32_t name_hash, std::uint32_t mask) {
  return (name_hash * 0x9e3779b1U) >> 16 & mask;
}

}  // namespace

RequestFacts::RequestFacts() : first_(kMaxBuckets), next_(kUsualFields) {}

void RequestFacts::begin(const RequestView& request) {
  request_ = &request;
  headers_indexed_ = false;
  query_parsed_ = false;
}

void RequestFacts::index_headers() {
  const std::size_t fields = std::min(request_->headers.size(), kMaxFields);
  const std::size_t buckets = std::clamp(std::bit_ceil(fields), kMinBuckets, kMaxBuckets);
  bucket_mask_ = static_cast<std::uint32_t>(buckets - 1);
  std::memset(first_.data(), 0, buckets * sizeof(first_[0]));
  if (next_.size() < fields) next_.resize(fields);
  for (std::size_t i = fields; i-- > 0;) {  // backwards, so that a bucket lists fields in order
    std::uint16_t& first = first_[bucket_of(request_->headers[i].name_hash, bucket_mask_)];
    next_[i] = first;
    first = static_cast<std::uint16_t>(i + 1);
  }
  headers_indexed_ = true;
}

// The field `at` counts from 1, or a later one of its bucket, that has this name; moves `at` behind
// it.
const HeaderView* RequestFacts::next_field(std::uint32_t& at, std::uint32_t hash,
                                           std::string_view name) const {
  while (at != 0) {
    const HeaderView& field = request_->headers[at - 1];
    at = next_[at - 1];
    if (field.name_hash == hash && http::same_header_name(field.name, name)) return &field;
  }
  return nullptr;
}

std::optional<std::string_view> RequestFacts::header(std::uint32_t name_hash,
                                                     std::string_view name) {
  if (!headers_indexed_) index_headers();
  std::uint32_t at = first_[bucket_of(name_hash, bucket_mask_)];
  const HeaderView* field = next_field(at, name_hash, name);
  if (field == nullptr) return std::nullopt;
  const HeaderView* more = next_field(at, name_hash, name);
  if (more == nullptr) return field->value;

  std::size_t bytes = 0;
  const auto append = [&](std::string_view text) {
    if (text.size() > scratch_.size() - bytes) return false;
    std::copy(text.begin(), text.end(), scratch_.begin() + static_cast<std::ptrdiff_t>(bytes));
    bytes += text.size();
    return true;
  };
  if (!append(field->value)) return std::nullopt;
  for (; more != nullptr; more = next_field(at, name_hash, name)) {
    if (!append(kJoin) || !append(more->value)) return std::nullopt;
  }
  return std::string_view(scratch_.data(), bytes);
}

std::optional<std::string_view> RequestFacts::query(std::string_view name) {
  if (!query_parsed_) parameters_.parse(request_->query);
  query_parsed_ = true;
  const http::QueryParameter* parameter = parameters_.find(name);
  if (parameter == nullptr) return std::nullopt;
  return parameter->value;
}

std::optional<std::string_view> RequestFacts::decoded_query(std::string_view name) {
  const std::optional<std::string_view> raw = query(name);
  if (!raw) return std::nullopt;
  return http::decode_query(*raw, scratch_);
}

}  // namespace sluice::match

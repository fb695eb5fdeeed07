#include "shared/table/filter_writer.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "shared/table/endpoints.h"
#include "shared/table/narrow.h"

namespace sluice::table {
namespace {

// One filter: its record, filled in by the overload of its type, and its parts.
class FilterWriter {
 public:
  FilterWriter(Transaction& tx, EndpointTable& endpoints, BlobBuilder& blob)
      : tx_(tx), endpoints_(endpoints), blob_(blob) {}

  void write(const FilterValue& filter) {
    record_ = Filter{};
    parts_ = 0;
    const std::size_t at = blob_.reserve(sizeof record_);
    std::visit([this](const auto& value) { describe(value); }, filter);
    blob_.align(8);
    record_.bytes = static_cast<std::uint32_t>(blob_.size() - at);
    record_.parts = narrow16(parts_);
    blob_.put(at, record_);
  }

 private:
  void describe(const RequestHeaderModifier& modifier) {
    record_.type = FilterType::kRequestHeaderModifier;
    describe_edits(modifier.edits);
  }

  void describe(const ResponseHeaderModifier& modifier) {
    record_.type = FilterType::kResponseHeaderModifier;
    describe_edits(modifier.edits);
  }

  void describe(const RequestRedirect& redirect) {
    record_.type = FilterType::kRequestRedirect;
    record_.status = redirect.status;
    record_.port = redirect.port;
    if (!redirect.scheme.empty()) add_part(PartKind::kScheme, {}, redirect.scheme);
    if (!redirect.hostname.empty()) add_part(PartKind::kHostname, {}, redirect.hostname);
    describe_path(redirect.path_edit, redirect.path);
  }

  void describe(const UrlRewrite& rewrite) {
    record_.type = FilterType::kUrlRewrite;
    if (!rewrite.hostname.empty()) add_part(PartKind::kHostname, {}, rewrite.hostname);
    describe_path(rewrite.path_edit, rewrite.path);
  }

  void describe(const RequestMirror& mirror) {
    record_.type = FilterType::kRequestMirror;
    const std::uint64_t draws = (std::uint64_t{mirror.numerator} << 32) / mirror.denominator;
    record_.threshold =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(draws, 1, std::uint64_t{1} << 32) - 1);
    record_.protocol = mirror.protocol;
    Result<SlotRef> ref = endpoints_.find_or_reserve(mirror.backend);
    if (!ref) return tx_.fail(std::move(ref.error()));
    record_.slot = ref->slot;
    record_.incarnation = ref->incarnation;
    add_part(PartKind::kBackendName, {}, mirror.name);
  }

  void describe(const Cors& cors) {
    record_.type = FilterType::kCors;
    record_.allow_credentials = cors.allow_credentials ? 1 : 0;
    record_.max_age = cors.max_age;
    add_values(PartKind::kAllowOrigin, cors.allow_origins);
    add_values(PartKind::kAllowMethod, cors.allow_methods);
    add_values(PartKind::kAllowHeader, cors.allow_headers);
    add_values(PartKind::kExposeHeader, cors.expose_headers);
  }

  void describe_edits(const std::vector<HeaderEdit>& edits) {
    for (const HeaderEdit& edit : edits) {
      add_part(edit.kind, edit.name, edit.value);
    }
  }

  void describe_path(PathEdit edit, std::string_view path) {
    if (edit == PathEdit::kFull) add_part(PartKind::kFullPath, {}, path);
    if (edit == PathEdit::kPrefix) add_part(PartKind::kPrefixPath, {}, path);
  }

  void add_values(PartKind kind, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      add_part(kind, {}, value);
    }
  }

  void add_part(PartKind kind, std::string_view name, std::string_view value) {
    Part part{};
    part.kind = kind;
    part.name_bytes = narrow16(name.size());
    part.value_bytes = static_cast<std::uint32_t>(value.size());
    blob_.add(part);
    blob_.continue_text(name.substr(0, part.name_bytes));
    blob_.continue_text(value);
    ++parts_;
  }

  Transaction& tx_;
  EndpointTable& endpoints_;
  BlobBuilder& blob_;
  Filter record_{};
  std::size_t parts_ = 0;
};

// A mirror of 0 % mirrors nothing.
bool does_nothing(const FilterValue& filter) {
  const auto* const mirror = std::get_if<RequestMirror>(&filter);
  return mirror != nullptr && (mirror->numerator == 0 || mirror->denominator == 0);
}

}  // namespace

void add_filters(Transaction& tx, EndpointTable& endpoints, const std::vector<FilterValue>& filters,
                 std::size_t field, BlobBuilder& blob) {
  FilterList list{};
  list.count = static_cast<std::uint32_t>(
      filters.size() - static_cast<std::size_t>(std::ranges::count_if(filters, does_nothing)));
  if (list.count == 0) return;
  const std::size_t at = blob.add(list);
  FilterWriter writer(tx, endpoints, blob);
  for (const FilterValue& filter : filters) {
    if (!does_nothing(filter)) writer.write(filter);
  }
  list.bytes = static_cast<std::uint32_t>(blob.size() - at);
  blob.put(at, list);
  blob.link(field, at);
}

}  // namespace sluice::table

// Any bytes of a request are read without a crash, and what comes out keeps the promises of
// shared/http and of RequestFacts. The input's lines: host, path, query, then "Name: value" fields.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/http/header.h"
#include "shared/http/host.h"
#include "shared/http/path.h"
#include "shared/http/query.h"
#include "shared/match/request_facts.h"

namespace {

using sluice::http::HostForm;
using sluice::http::HostPattern;
using sluice::http::PathStatus;

using HostBuffer = std::array<char, sluice::http::kMaxHostBytes>;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// Normalising twice is normalising once: what was matched is what a second reader would match.
std::string check_host(std::string_view raw) {
  HostBuffer first{};
  const auto host = sluice::http::normalise_host(raw, first);
  if (!host) return "";
  require(host->size() <= sluice::http::kMaxHostBytes);
  require(std::none_of(host->begin(), host->end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
  HostBuffer second{};
  const auto again = sluice::http::normalise_host(*host, second);
  require(again && *again == *host);
  return std::string(*host);
}

// The host as two patterns that a listener and a route might write, and where they meet.
void check_patterns(std::string_view listener, std::string_view route, std::string_view host) {
  const auto a = sluice::http::parse_host_pattern(listener);
  const auto b = sluice::http::parse_host_pattern(route);
  if (a && a->form == HostForm::kExact) {
    HostBuffer buffer{};
    const auto normal = sluice::http::normalise_host(a->name, buffer);
    require(normal && *normal == a->name && host_matches(*a, *normal));
  }
  if (!a || !b) return;
  const auto common = intersect(*a, *b);
  require(common == intersect(*b, *a));
  const bool both = host_matches(*a, host) && host_matches(*b, host);
  require(both == (common && host_matches(*common, host)));
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

std::string check_path(std::string_view raw) {
  // Of exactly this size, so that writing beyond it is seen.
  const auto buffer = std::make_unique<char[]>(raw.size());
  const auto first = sluice::http::normalise_path(raw, {buffer.get(), raw.size()});
  const bool usable =
      first.status == PathStatus::kUnchanged || first.status == PathStatus::kChanged;
  require(usable != first.path.empty());
  require(first.status != PathStatus::kTooLong);
  if (!usable) return "";
  require(first.path.size() <= raw.size() && first.path.front() == '/');
  require((first.status == PathStatus::kUnchanged) == (first.path == raw));
  require(!has_dot_segment(first.path));
  const std::string path(first.path);
  const auto again = sluice::http::normalise_path(path, {});
  require(again.status == PathStatus::kUnchanged || path.find_first_of("%.") != std::string::npos);
  std::string room(path.size(), '\0');
  const auto roomy = sluice::http::normalise_path(path, room);
  require(roomy.status == PathStatus::kUnchanged && roomy.path == path);
  return path;
}

// The value of a field as RequestFacts must tell it, by the shortest reading of RFC 9110 5.3.
std::optional<std::string> joined(const std::vector<sluice::match::HeaderView>& fields,
                                  std::string_view name) {
  std::optional<std::string> out;
  for (const auto& field : fields) {
    if (!sluice::http::same_header_name(field.name, name)) continue;
    out = out ? *out + "," + std::string(field.value) : std::string(field.value);
  }
  return out;
}

void check_facts(const sluice::match::RequestView& request,
                 const std::vector<sluice::match::HeaderView>& fields) {
  const auto facts = std::make_unique<sluice::match::RequestFacts>();
  facts->begin(request);
  for (const auto& field : fields) {
    const auto wanted = joined(fields, field.name);
    const auto found = facts->header(field.name_hash, field.name);
    if (!wanted) std::abort();
    require(found ? *wanted == *found : wanted->size() > sluice::match::kMaxScratchBytes);
  }
  sluice::http::QueryParameters parameters;
  parameters.parse(request.query);
  require(parameters.size() <= sluice::http::kMaxQueryParameters);
  // Names to ask for: what is between the separators, as it is and decoded.
  std::string room(request.query.size(), '\0');
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::string_view piece = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
    const std::string_view name = piece.substr(0, piece.find('='));
    const auto plain = sluice::http::decode_query(name, room);
    if (!plain) std::abort();
    require(plain->size() <= name.size() && sluice::http::decodes_to(name, *plain));
    const auto raw = facts->query(*plain);
    const auto decoded = facts->decoded_query(*plain);
    if (raw && decoded) require(sluice::http::decodes_to(*raw, *decoded));
    require(raw.has_value() == (parameters.find(*plain) != nullptr));
    require(raw || decoded == std::nullopt);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view authority = take_line(rest);
  const std::string_view target = take_line(rest);
  const std::string_view query = take_line(rest);
  std::vector<sluice::match::HeaderView> fields;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    const std::string_view name = line.substr(0, colon);
    fields.push_back({sluice::http::header_name_hash(name), name, value});
  }
  const std::string host = check_host(authority);
  check_patterns(authority, query, host);
  check_patterns(authority, target, host);
  const std::string path = check_path(target);
  check_facts({host, path, query, 0, fields}, fields);
  return 0;
}

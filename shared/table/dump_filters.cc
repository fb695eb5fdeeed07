#include "shared/table/dump_filters.h"

#include "shared/table/dump_text.h"
#include "shared/table/filter_reader.h"

namespace sluice::table {
namespace {

std::string head_text(const Filter& filter) {
  switch (filter.type) {
    case FilterType::kRequestHeaderModifier:
      return "request";
    case FilterType::kResponseHeaderModifier:
      return "response";
    case FilterType::kRequestRedirect:
      return "redirect " + std::to_string(filter.status) +
             (filter.port == 0 ? "" : " port " + std::to_string(filter.port));
    case FilterType::kUrlRewrite:
      return "rewrite";
    case FilterType::kRequestMirror:
      return "mirror " + percent_text(std::uint64_t{filter.threshold} + 1) +
             (filter.protocol == BackendProtocol::kHttp2 ? " http2" : "");
    case FilterType::kCors:
      return "cors max-age " + std::to_string(filter.max_age) +
             (filter.allow_credentials != 0 ? " credentials" : "");
  }
  return "!!";
}

std::string_view part_word(PartKind kind) {
  switch (kind) {
    case PartKind::kSetHeader:
      return "set";
    case PartKind::kAddHeader:
      return "add";
    case PartKind::kRemoveHeader:
      return "remove";
    case PartKind::kScheme:
      return "scheme";
    case PartKind::kHostname:
      return "hostname";
    case PartKind::kFullPath:
      return "path";
    case PartKind::kPrefixPath:
      return "prefix";
    case PartKind::kAllowOrigin:
      return "origin";
    case PartKind::kAllowMethod:
      return "method";
    case PartKind::kAllowHeader:
      return "header";
    case PartKind::kExposeHeader:
      return "expose";
    case PartKind::kBackendName:
      return "to";
    case PartKind::kDnsName:
      return "dns";
    case PartKind::kUri:
      return "uri";
    case PartKind::kCaCertificates:
      return "ca";
  }
  return "!!";
}

std::string part_text(const PartReader::Value& part) {
  std::string text = std::string(part_word(part.kind)) + " ";
  if (part.kind == PartKind::kRemoveHeader) return text + quoted(part.name);
  if (!part.name.empty()) text += quoted(part.name) + "=";
  return text + quoted(part.value);
}

}  // namespace

std::string filters_text(std::string_view list, const MirrorVisitor& on_mirror) {
  std::string text;
  FilterReader reader(list);
  while (const auto filter = reader.next()) {
    text += " [" + head_text(*filter);
    while (const auto part = reader.next_part()) {
      text += " " + part_text(*part);
      if (part->kind == PartKind::kBackendName) on_mirror(quoted(part->value), *filter);
    }
    text += "]";
  }
  return reader.broken() ? text + " !!" : text;
}

std::string retry_text(const Retry& retry) {
  constexpr unsigned kFirst = 400;
  std::string text = " retry " + std::to_string(retry.attempts) + " after " +
                     std::to_string(retry.backoff_ms) + "ms";
  for (unsigned bit = 0; bit < 8 * sizeof retry.statuses; ++bit) {
    if ((retry.statuses[bit / 8] >> bit % 8 & 1) == 0) continue;
    text += " " + std::to_string(kFirst + bit);
  }
  return text;
}

}  // namespace sluice::table

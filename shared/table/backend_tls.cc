#include "shared/table/backend_tls.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/hash.h"
#include "shared/table/dump_text.h"
#include "shared/table/narrow.h"
#include "shared/table/part_reader.h"

namespace sluice::table {
namespace {

void add_part(PartKind kind, std::string_view value, std::string& bytes) {
  Part part{};
  part.kind = kind;
  part.value_bytes = static_cast<std::uint32_t>(value.size());
  bytes.append(reinterpret_cast<const char*>(&part), sizeof part);
  bytes.append(value);
  bytes.resize(align_up(bytes.size(), 8));
}

}  // namespace

std::string backend_tls_bytes(const BackendTlsRule& rule) {
  BackendTls record{};
  record.system_certificates = rule.system_certificates ? 1 : 0;
  record.usable = rule.usable ? 1 : 0;
  std::string parts;
  add_part(PartKind::kHostname, rule.hostname, parts);
  for (const SubjectAltName& name : rule.subject_alt_names)
    add_part(name.kind, name.value, parts);
  if (!rule.ca_certificates.empty()) {
    add_part(PartKind::kCaCertificates, rule.ca_certificates, parts);
  }
  record.parts =
      narrow16(1 + rule.subject_alt_names.size() + (rule.ca_certificates.empty() ? 0 : 1));
  record.bytes = static_cast<std::uint32_t>(sizeof record + parts.size());
  std::string bytes(sizeof record, '\0');
  std::memcpy(bytes.data(), &record, sizeof record);
  bytes += parts;
  const std::array<std::uint64_t, 2> identity = content_hash128(bytes);
  std::memcpy(bytes.data() + offsetof(BackendTls, identity), identity.data(), sizeof identity);
  return bytes;
}

std::string backend_tls_text(std::string_view bytes) {
  BackendTls record;
  if (bytes.size() < sizeof record) return " tls !!";
  std::memcpy(&record, bytes.data(), sizeof record);
  std::string hostname;
  std::string names;
  std::string anchors = record.system_certificates != 0 ? " by system" : "";
  PartReader parts(bytes.substr(sizeof record), record.parts);
  while (const auto part = parts.next()) {
    if (part->kind == PartKind::kHostname) hostname = " " + quoted(part->value);
    if (part->kind == PartKind::kDnsName) names += " dns " + quoted(part->value);
    if (part->kind == PartKind::kUri) names += " uri " + quoted(part->value);
    if (part->kind == PartKind::kCaCertificates) {
      const auto count = static_cast<std::size_t>(std::ranges::count(part->value, '\n'));
      anchors += " by " + std::to_string(count) + " lines of certificates";
    }
  }
  std::string text = " tls" + hostname + (names.empty() ? "" : " verifies" + names) + anchors;
  if (record.usable == 0) text += " unusable";
  return parts.broken() ? text + " !!" : text;
}

}  // namespace sluice::table

#include <cstddef>
#include <span>

#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"
#include "shared/table/backend_tls.h"
#include "shared/table/dump.h"
#include "shared/table/dump_text.h"

namespace sluice::table {
namespace {

constexpr std::uint32_t kMostEndpoints = 100000;

std::string endpoint_text(const Reader& reader, const Endpoint& endpoint) {
  if (endpoint.family != Family::kUnix) {
    return address_text(endpoint.family, endpoint.address, endpoint.port);
  }
  const auto path = reader.text(endpoint.path, 0, endpoint.path_bytes);
  return path ? "unix:" + quoted(*path) : "!!";
}

std::string tls_text(const Reader& reader, Offset offset) {
  const auto head = reader.read<BackendTls>(offset);
  const auto record = head ? reader.text(offset, 0, head->bytes) : std::nullopt;
  return record ? backend_tls_text(*record).substr(1) : "tls !!";
}

std::vector<std::string> endpoints_of(arena::ReadMapping& mapping, std::uint32_t slot,
                                      std::uint32_t incarnation) {
  const std::size_t at = std::size_t{slot} * sizeof(EndpointSlot);
  const std::span<const std::byte> file = mapping.endpoint_file(at + sizeof(EndpointSlot));
  if (file.size() < at + sizeof(EndpointSlot)) return {};
  const std::uint64_t word = Reader::copy<EndpointSlot>(file.data() + at).word;
  if (arena::slot_word_incarnation(word) != (incarnation & 0xffffff)) return {};

  const std::span<const std::byte> segment = mapping.segment(arena::slot_word_segment(word));
  arena::Snapshot snapshot;
  snapshot.base = segment.data();
  snapshot.units = segment.size() / 8;
  const Reader reader(snapshot);
  const Offset offset = arena::word_offset(word);
  const auto list = reader.read<EndpointList>(offset);
  if (!list || list->count > kMostEndpoints) return {};
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < list->count; ++i) {
    const auto endpoint = reader.read_element<Endpoint>(offset, sizeof(EndpointList), i);
    if (!endpoint) break;
    texts.push_back(endpoint_text(reader, *endpoint));
  }
  if (list->tls != 0) texts.push_back(tls_text(reader, list->tls));
  return texts;
}

}  // namespace

EndpointLookup published_endpoints(arena::ReadMapping& mapping) {
  return [&mapping](std::uint32_t slot, std::uint32_t incarnation) {
    return endpoints_of(mapping, slot, incarnation);
  };
}

}  // namespace sluice::table

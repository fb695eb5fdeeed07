#include "shared/table/blob_builder.h"

namespace sluice::table {

Blob BlobBuilder::write(Transaction& tx, std::uint32_t alignment) {
  align(8);
  const Blob blob = tx.write(bytes_, alignment);
  if (blob.offset == 0) return blob;
  std::byte* const base = tx.bytes(blob.offset);
  for (const Link& link : links_) {
    const Offset target = blob.offset + static_cast<Offset>(link.target / 8);
    std::memcpy(base + link.field, &target, sizeof target);
  }
  return blob;
}

}  // namespace sluice::table

#include "shared/secret/read_blob.h"

#include <unistd.h>

#include <cerrno>

#include "shared/base/hash.h"

namespace sluice::secret {

Result<Bytes> read_blob(int file, const BlobPlace& place) {
  if (place.bytes == 0 || place.bytes > kMaxBlobBytes) {
    return fail(Errc::kInvalid, "no blob has that length");
  }
  Bytes bytes(place.bytes);
  if (bytes.size() != place.bytes) return fail(Errc::kFull, "no memory for a certificate");
  const std::uint64_t from = std::uint64_t{place.unit} * kUnitBytes + sizeof(BlobHeader);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("reading the file of certificates");
    if (got == 0) return fail(Errc::kNotFound, "the file of certificates ends before the blob");
    done += static_cast<std::size_t>(got);
  }
  if (content_hash128(bytes.view()) != place.hash) {
    return fail(Errc::kNotFound, "another certificate lies at that place");
  }
  return bytes;
}

}  // namespace sluice::secret

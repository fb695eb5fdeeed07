#include "shared/secret/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "shared/base/hash.h"
#include "shared/secret/read_blob.h"

namespace sluice::secret {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::uint32_t kFirstUnits = 1024;  // 64 KiB
constexpr std::uint64_t kMaxUnits = std::numeric_limits<std::uint32_t>::max();

std::uint32_t units_of(std::uint64_t bytes) {
  return static_cast<std::uint32_t>((sizeof(BlobHeader) + bytes + kUnitBytes - 1) / kUnitBytes);
}

off_t position_of(std::uint32_t unit) {
  return static_cast<off_t>(std::uint64_t{unit} * kUnitBytes);
}

Result<void> write_all(int file, const void* bytes, std::size_t size, off_t at) {
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::pwrite(file, from, size, at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("writing a certificate");
    from += written;
    size -= static_cast<std::size_t>(written);
    at += written;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SecretFile>> SecretFile::open(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  // Whatever the umask, and whoever made it.
  if (!file || ::fchmod(file.get(), kMode) != 0) return fail_errno(path);
  std::unique_ptr<SecretFile> opened(new SecretFile(path, std::move(file)));
  if (Result<void> adopted = opened->adopt(); !adopted) {
    return propagate(std::move(adopted), path);
  }
  return opened;
}

// Every unit may begin a blob; only one whose bytes have the hash that it claims is one. What lies
// between is free: nobody is known to need it, and it is wiped before it is used.
Result<void> SecretFile::adopt() {
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("fstat");
  units_ = static_cast<std::uint32_t>(
      std::min(static_cast<std::uint64_t>(status.st_size) / kUnitBytes, kMaxUnits));
  std::uint32_t rest = 0;  // where what is free begins
  for (std::uint32_t unit = 0; unit < units_;) {
    BlobHeader header{};
    if (::pread(file_.get(), &header, sizeof header, position_of(unit)) != sizeof header) break;
    const bool claims = header.magic == kBlobMagic && header.bytes <= kMaxBlobBytes;
    const BlobPlace place{unit, claims ? static_cast<std::uint32_t>(header.bytes) : 0, header.hash};
    if (!claims || !read_blob(file_.get(), place)) {
      ++unit;
      continue;
    }
    if (unit > rest) quarantine_.push_back({0, rest, unit - rest, {}});
    if (!blobs_.emplace(place.hash, Blob{place, 0}).second) copies_.push_back(place);
    unit += units_of(place.bytes);
    rest = unit;
  }
  if (units_ > rest) quarantine_.push_back({0, rest, units_ - rest, {}});
  tidy(0);
  return {};
}

Result<BlobPlace> SecretFile::put(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMaxBlobBytes) {
    return fail(Errc::kInvalid, "a certificate of that size can't be stored");
  }
  BlobPlace place{0, static_cast<std::uint32_t>(bytes.size()), content_hash128(bytes)};
  const auto known = blobs_.find(place.hash);
  if (known != blobs_.end()) {
    const Result<Bytes> stored = read_blob(file_.get(), known->second.place);
    // The hash is no defence against somebody who makes two contents with one hash.
    if (!stored || stored->view() != bytes) {
      return fail(Errc::kConflict, "another certificate has the same hash");
    }
    ++known->second.uses;
    return known->second.place;
  }
  if (const auto revived = revive(place.hash, bytes)) return *revived;
  Result<std::uint32_t> unit = take_units(units_of(bytes.size()));
  if (!unit) return tl::unexpected<Error>(std::move(unit.error()));
  place.unit = *unit;
  if (Result<void> written = write_blob(place, bytes); !written) {
    give_back(place.unit, units_of(place.bytes));
    return tl::unexpected<Error>(std::move(written.error()));
  }
  blobs_.emplace(place.hash, Blob{place, 1});
  return place;
}

// What was removed and is still readable. Two copies would be one too many after a restart: nobody
// could tell which of them the published table names.
std::optional<BlobPlace> SecretFile::revive(const BlobHash& hash, std::string_view bytes) {
  const auto found = std::find_if(quarantine_.begin(), quarantine_.end(), [&](const Retired& each) {
    return each.blob.bytes != 0 && each.blob.hash == hash;
  });
  if (found == quarantine_.end()) return std::nullopt;
  const BlobPlace place = found->blob;
  const Result<Bytes> stored = read_blob(file_.get(), place);
  if (!stored || stored->view() != bytes) return std::nullopt;
  quarantine_.erase(found);
  blobs_.emplace(hash, Blob{place, 1});
  return place;
}

// The magic number comes last: half a blob is none.
Result<void> SecretFile::write_blob(const BlobPlace& place, std::string_view bytes) {
  const off_t at = position_of(place.unit);
  const BlobHeader header{kBlobMagic, place.hash, place.bytes};
  constexpr std::size_t kMagicBytes = sizeof header.magic;
  const char* const head = reinterpret_cast<const char*>(&header);
  if (Result<void> done = write_all(file_.get(), bytes.data(), bytes.size(),
                                    at + static_cast<off_t>(sizeof header));
      !done) {
    return done;
  }
  if (Result<void> done = write_all(file_.get(), head + kMagicBytes, sizeof header - kMagicBytes,
                                    at + static_cast<off_t>(kMagicBytes));
      !done) {
    return done;
  }
  return write_all(file_.get(), head, kMagicBytes, at);
}

void SecretFile::remove(const BlobHash& hash, std::uint64_t now_ms) {
  const auto known = blobs_.find(hash);
  if (known == blobs_.end() || --known->second.uses > 0) return;
  retire(known->second.place, now_ms);
  blobs_.erase(known);
}

void SecretFile::drop_unclaimed(std::uint64_t now_ms) {
  for (const BlobPlace& copy : std::exchange(copies_, {}))
    retire(copy, now_ms);
  for (auto it = blobs_.begin(); it != blobs_.end();) {
    if (it->second.uses > 0) {
      ++it;
      continue;
    }
    retire(it->second.place, now_ms);
    it = blobs_.erase(it);
  }
}

void SecretFile::retire(const BlobPlace& place, std::uint64_t now_ms) {
  quarantine_.push_back({now_ms + kQuarantineMs, place.unit, units_of(place.bytes), place});
}

void SecretFile::tidy(std::uint64_t now_ms) {
  while (!quarantine_.empty() && quarantine_.front().free_at_ms <= now_ms) {
    const Retired retired = quarantine_.front();
    if (!wipe(retired.unit, retired.units)) return;  // tried again later
    quarantine_.pop_front();
    give_back(retired.unit, retired.units);
  }
}

bool SecretFile::wipe(std::uint32_t unit, std::uint32_t units) {
  static constexpr char kZeroes[4096] = {};
  std::uint64_t left = std::uint64_t{units} * kUnitBytes;
  off_t at = position_of(unit);
  while (left > 0) {
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, sizeof kZeroes));
    if (!write_all(file_.get(), kZeroes, size, at)) return false;
    left -= size;
    at += static_cast<off_t>(size);
  }
  return true;
}

Result<std::uint32_t> SecretFile::take_units(std::uint32_t units) {
  const auto fits = [units](const auto& extent) { return extent.second >= units; };
  auto found = std::find_if(free_.begin(), free_.end(), fits);
  if (found == free_.end()) {
    if (Result<void> grown = grow(units); !grown) {
      return tl::unexpected<Error>(std::move(grown.error()));
    }
    found = std::find_if(free_.begin(), free_.end(), fits);
  }
  const auto [unit, size] = *found;
  free_.erase(found);
  if (size > units) free_.emplace(unit + units, size - units);
  return unit;
}

Result<void> SecretFile::grow(std::uint32_t units) {
  const std::uint32_t added = std::max({units, units_, kFirstUnits});
  if (kMaxUnits - units_ < added) return fail(Errc::kFull, "the file of certificates is full");
  const int error =
      ::posix_fallocate(file_.get(), position_of(units_), static_cast<off_t>(added * kUnitBytes));
  if (error != 0) {
    return fail(Errc::kFull, std::string("the file of certificates: ") + std::strerror(error));
  }
  give_back(units_, added);
  units_ += added;
  return {};
}

void SecretFile::give_back(std::uint32_t unit, std::uint32_t units) {
  const auto next = free_.lower_bound(unit);
  if (next != free_.end() && next->first == unit + units) {
    units += next->second;
    free_.erase(next);
  }
  const auto after = free_.lower_bound(unit);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == unit) {
      before->second += units;
      return;
    }
  }
  free_.emplace(unit, units);
}

Result<UniqueFd> SecretFile::open_for_readers() const {
  UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno(path_);
  return fd;
}

}  // namespace sluice::secret

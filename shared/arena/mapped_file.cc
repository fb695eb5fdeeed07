#include "shared/arena/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "shared/base/bytes.h"

namespace sluice::arena {
namespace {

constexpr std::size_t kPage = 4096;

// The size of the file in whole pages: the rest of a last page that is not whole is not mapped.
std::size_t whole_pages(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0 || status.st_size < 0) return 0;
  return static_cast<std::size_t>(status.st_size) / kPage * kPage;
}

// posix_fallocate returns the error and may be interrupted.
int allocate_space(int fd, std::size_t from, std::size_t to) {
  int error = EINTR;
  for (int attempt = 0; attempt < 100 && error == EINTR; ++attempt) {
    error = posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(to - from));
  }
  return error;
}

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  fd_ = std::move(other.fd_);
  access_ = other.access_;
  base_ = std::exchange(other.base_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  reserved_ = std::exchange(other.reserved_, 0);
  borrowed_ = other.borrowed_;
  return *this;
}

MappedFile::~MappedFile() {
  unmap();
}

void MappedFile::unmap() {
  if (base_ != nullptr && !borrowed_) munmap(base_, reserved_);
}

Result<MappedFile> MappedFile::create(const std::string& path, const CreateOptions& options) {
  MappedFile file;
  file.access_ = Access::kReadWrite;
  file.fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.fd_) return fail_errno("opening " + path);
  if (options.gid != static_cast<std::uint32_t>(-1) &&
      fchown(file.fd(), static_cast<uid_t>(-1), options.gid) != 0) {
    return fail_errno("giving " + path + " its group");
  }
  if (fchmod(file.fd(), options.mode) != 0) return fail_errno("setting the mode of " + path);
  if (Result<void> reserved = file.reserve(options.reserve_bytes); !reserved) {
    return propagate(std::move(reserved), path);
  }
  file.extend();
  if (Result<void> grown = file.grow(options.first_bytes); !grown) {
    return propagate(std::move(grown), path);
  }
  return file;
}

Result<MappedFile> MappedFile::open(const std::string& path, Access access,
                                    std::size_t reserve_bytes) {
  MappedFile file;
  file.access_ = access;
  const int flags = access == Access::kReadWrite ? O_RDWR : O_RDONLY;
  file.fd_ = UniqueFd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (!file.fd_) {
    if (errno == ENOENT) return fail(Errc::kNotFound, path + " is not there");
    return fail_errno("opening " + path);
  }
  if (Result<void> reserved = file.reserve(reserve_bytes); !reserved) {
    return propagate(std::move(reserved), path);
  }
  file.extend();
  return file;
}

MappedFile MappedFile::borrow(const MappedFile& owner) {
  MappedFile file;
  file.fd_ = UniqueFd(fcntl(owner.fd(), F_DUPFD_CLOEXEC, 0));
  file.access_ = owner.access_;
  file.base_ = owner.base_;
  file.bytes_ = owner.bytes_;
  file.reserved_ = owner.reserved_;
  file.borrowed_ = true;
  return file;
}

Result<void> MappedFile::reserve(std::size_t bytes) {
  bytes = align_up(bytes, kPage);
  void* const map =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return fail_errno("reserving address space");
  base_ = static_cast<std::byte*>(map);
  reserved_ = bytes;
  return {};
}

Result<void> MappedFile::grow(std::size_t bytes) {
  bytes = align_up(bytes, kPage);
  if (bytes <= bytes_) return {};
  if (bytes > reserved_) return fail(Errc::kFull, "the reserved address space is used up");
  if (const int error = allocate_space(fd(), bytes_, bytes); error != 0) {
    errno = error;
    tl::unexpected<Error> failure = fail_errno("allocating shared memory");
    if (error == ENOSPC || error == EFBIG || error == EDQUOT) failure.value().code = Errc::kFull;
    return failure;
  }
  return map_up_to(bytes);
}

bool MappedFile::extend() {
  const std::size_t bytes = std::min(whole_pages(fd()), reserved_);
  return bytes > bytes_ && map_up_to(bytes).has_value();
}

Result<void> MappedFile::map_up_to(std::size_t bytes) {
  if (!borrowed_) {
    const int protection = access_ == Access::kReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const map = mmap(base_ + bytes_, bytes - bytes_, protection, MAP_SHARED | MAP_FIXED, fd(),
                           static_cast<off_t>(bytes_));
    if (map == MAP_FAILED) return fail_errno("mapping shared memory");
  }
  bytes_ = bytes;
  return {};
}

}  // namespace sluice::arena

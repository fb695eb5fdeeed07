#include "shared/arena/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::arena {
namespace {

struct flock describe(short type, LockRange range) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.start);
  lock.l_len = static_cast<off_t>(range.bytes);
  return lock;  // l_pid stays 0, as these locks require
}

}  // namespace

Result<bool> try_lock(int fd, LockRange range) {
  struct flock lock = describe(F_WRLCK, range);
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return fail_errno("locking");
}

void unlock(int fd, LockRange range) {
  struct flock lock = describe(F_UNLCK, range);
  fcntl(fd, F_OFD_SETLK, &lock);
}

std::optional<LockRange> find_foreign_lock(int fd, LockRange range) {
  struct flock lock = describe(F_WRLCK, range);
  if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return LockRange{static_cast<std::uint64_t>(lock.l_start),
                   static_cast<std::uint64_t>(lock.l_len)};
}

}  // namespace sluice::arena

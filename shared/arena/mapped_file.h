// A file mapped at a fixed place that has room for all it may become.
//
// The whole reservation is PROT_NONE address space; the file is mapped over its start, and what
// growth adds is mapped behind that. So a pointer stays good for the life of the mapping, and
// nothing ever has to be unmapped under a reader.
//
// Process: all.   Thread: one.
// Fails: kFull when posix_fallocate has no space or the reservation is used up (the file is never
// merely ftruncate'd: the first write into a hole of a full tmpfs is a SIGBUS).
// Tested by: test/unit/shared/arena/mapped_file_test.cc
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::arena {

enum class Access { kRead, kReadWrite };

struct CreateOptions {
  mode_t mode = 0640;
  std::uint32_t gid = static_cast<std::uint32_t>(-1);  // -1: unchanged
  std::size_t first_bytes = 0;
  std::size_t reserve_bytes = 0;
};

class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // Opens or makes the file and grows it to at least `first_bytes`.
  static Result<MappedFile> create(const std::string& path, const CreateOptions& options);
  // Fails: kNotFound when the file is not there.
  static Result<MappedFile> open(const std::string& path, Access access, std::size_t reserve_bytes);
  // The same memory by the same address; `owner` must live longer.
  static MappedFile borrow(const MappedFile& owner);

  // Grows the file to at least `bytes` and maps it.
  Result<void> grow(std::size_t bytes);
  // Maps what others have added to the file. False when there was nothing new.
  bool extend();

  std::byte* data() const { return base_; }

  std::size_t bytes() const { return bytes_; }  // mapped

  int fd() const { return fd_.get(); }

 private:
  Result<void> reserve(std::size_t bytes);
  Result<void> map_up_to(std::size_t bytes);
  void unmap();

  UniqueFd fd_;
  Access access_ = Access::kRead;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t reserved_ = 0;
  bool borrowed_ = false;
};

}  // namespace sluice::arena

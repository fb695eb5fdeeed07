// Certificates with their private keys, as bytes in the file `secret` of the table directory.
//
// The file is a row of units of 64 bytes. A blob lies in whole units: a BlobHeader, then its bytes.
// The route table names a blob by its place and its content hash and holds nothing of it; whoever
// reads a place compares the hash, so that a place that was given to another blob is noticed.
//
// Process: both.   Tested by: test/unit/shared/secret/secret_file_test.cc
#pragma once

#include <string.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>

namespace sluice::secret {

inline constexpr std::size_t kUnitBytes = 64;
inline constexpr std::size_t kMaxBlobBytes = std::size_t{2} << 20;
inline constexpr std::uint64_t kBlobMagic = 0x31626f6c62636573;  // "secblob1"

using BlobHash = std::array<std::uint64_t, 2>;  // content_hash128 of the bytes

struct BlobHeader {
  std::uint64_t magic;  // written last; 0: free
  BlobHash hash;
  std::uint64_t bytes;
};

static_assert(sizeof(BlobHeader) == 32);

struct BlobPlace {
  std::uint32_t unit = 0;
  std::uint32_t bytes = 0;
  BlobHash hash{};
  bool operator==(const BlobPlace&) const = default;
};

// Bytes that are wiped when they go away.
class Bytes {
 public:
  Bytes() = default;

  // Empty when there is no memory.
  explicit Bytes(std::size_t size)
      : data_(new(std::nothrow) char[size]), size_(data_ == nullptr ? 0 : size) {}

  Bytes(Bytes&& other) noexcept : data_(std::move(other.data_)), size_(other.size_) {
    other.size_ = 0;
  }

  Bytes& operator=(Bytes&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    data_ = std::move(other.data_);
    size_ = other.size_;
    other.size_ = 0;
    return *this;
  }

  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  ~Bytes() { wipe(); }

  char* data() { return data_.get(); }

  std::size_t size() const { return size_; }

  std::string_view view() const { return {data_.get(), size_}; }

 private:
  void wipe() {
    if (data_ != nullptr) explicit_bzero(data_.get(), size_);
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
};

}  // namespace sluice::secret

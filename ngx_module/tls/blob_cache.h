// What was parsed from blobs of the file `secret`, read once per worker and content.
//
// An entry that no handshake asked for in kUnusedMs is dropped, and with it the key; so what was
// rotated away does not stay in a worker's memory. At most kMaxEntries are kept, the last used
// ones.
//
// Process: nginx worker.   Thread: event loop.   Allocates: heap, bounded by kMaxEntries.
// Fails: find() with null when the content can't be had or makes no sense.
// Tested by: test/e2e/test_https.py, test/e2e/test_client_certificates.py
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/secret/blob.h"

namespace sluice::tls {

// Parse: std::string_view -> std::unique_ptr<Parsed>, null when the bytes make no sense.
template <class Parsed, auto Parse>
class BlobCache {
 public:
  static constexpr std::uint64_t kUnusedMs = 60000;
  static constexpr std::size_t kMaxEntries = 4096;

  // `read(place)` copies the blob out (Result<secret::Bytes>). Valid until the next call.
  template <class Read>
  const Parsed* find(const secret::BlobPlace& place, std::uint64_t now_ms, Read&& read) {
    const auto known = entries_.find(place.hash);
    if (known != entries_.end()) {
      known->second.used_ms = now_ms;
      return known->second.parsed.get();
    }
    const Result<secret::Bytes> bytes = read(place);
    return bytes ? add(place.hash, bytes->view(), now_ms) : nullptr;
  }

  void drop_unused(std::uint64_t now_ms) {
    std::erase_if(entries_, [now_ms](const auto& entry) {
      return now_ms - entry.second.used_ms >= kUnusedMs;
    });
  }

  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::unique_ptr<Parsed> parsed;
    std::uint64_t used_ms = 0;
  };

  const Parsed* add(const secret::BlobHash& hash, std::string_view bytes, std::uint64_t now_ms) {
    std::unique_ptr<Parsed> parsed = Parse(bytes);
    if (parsed == nullptr) return nullptr;
    if (entries_.size() >= kMaxEntries) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const auto& left, const auto& right) {
                                        return left.second.used_ms < right.second.used_ms;
                                      }));
    }
    Entry& entry = entries_[hash];
    entry = {std::move(parsed), now_ms};
    return entry.parsed.get();
  }

  std::map<secret::BlobHash, Entry> entries_;
};

}  // namespace sluice::tls

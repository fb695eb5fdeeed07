// A table whose every byte says whether it is right: for tests of publication and reclaim.
//
// CheckedWriter changes random blobs and endpoint lists in an Arena, now and then compacts, and
// takes over what a killed one left. check_table() reads it as a worker does and tells whether
// anything it saw was torn, reused or foreign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/read_mapping.h"
#include "shared/base/result.h"
#include "shared/table/endpoints.h"

namespace sluice {

inline constexpr std::size_t kCheckedBlobs = 48;
inline constexpr std::size_t kCheckedBackends = 12;

// `check` is the hash of all bytes behind it.
struct CheckedBlob {
  std::uint64_t check;
  std::uint64_t generation;
  std::uint32_t index;
  std::uint32_t bytes;  // of this blob, payload included
};

struct CheckedRoot {
  struct BlobRef {
    arena::Offset offset;
    std::uint32_t bytes;
  };

  struct BackendRef {
    std::uint32_t slot;
    std::uint32_t incarnation;
    std::uint64_t name_hash;  // all addresses of this backend repeat it
  };

  std::uint64_t check;
  std::uint64_t generation;
  BlobRef blobs[kCheckedBlobs];
  BackendRef backends[kCheckedBackends];
};

class CheckedWriter {
 public:
  // Takes the directory over and publishes a whole table. Kills its own process after
  // `steps_to_live` steps (a blob, a list or a root written), unless that is 0.
  static Result<std::unique_ptr<CheckedWriter>> start(const arena::ArenaOptions& options,
                                                      std::uint64_t seed,
                                                      std::uint64_t steps_to_live = 0);

  // One random change: blobs, endpoints, a backend that comes or goes, or a compaction.
  Result<void> change();
  void reclaim(std::uint64_t now_ms, std::uint64_t patience_ms);

  arena::Arena& arena() { return *arena_; }

  // How many there were since the last call.
  std::uint64_t take_compactions() { return std::exchange(compactions_, 0); }

 private:
  CheckedWriter(std::unique_ptr<arena::Arena> arena,
                std::unique_ptr<table::EndpointTable> endpoints, std::uint64_t seed);

  std::uint64_t draw(std::uint64_t limit) { return random_() % limit; }

  void step();

  Result<void> write_blob(std::size_t index);
  Result<void> put_endpoints(std::size_t index);
  Result<void> rename_backend(std::size_t index);
  Result<void> publish();
  Result<void> compact();

  std::unique_ptr<arena::Arena> arena_;
  std::unique_ptr<table::EndpointTable> endpoints_;
  std::mt19937_64 random_;
  CheckedRoot next_ = {};
  arena::Offset root_ = 0;
  std::string names_[kCheckedBackends];
  std::uint64_t compactions_ = 0;
  std::uint64_t steps_to_live_ = 0;
  bool wants_compaction_ = false;
};

enum class Verdict {
  kEmpty,  // no root yet
  kRight,
  kMoved,  // fenced meanwhile: whatever was seen doesn't count
  kWrong,
};

struct CheckedReader {
  arena::ReadMapping& mapping;
  std::mt19937_64 random;
  std::uint64_t last_generation = 0;
  std::string what = {};               // of the last kWrong
  std::vector<std::byte> copy = {};    // of the blob being looked at
  std::uint32_t counter = 0xffffffff;  // line of the endpoint seen last
};

// Looks at the root, one random blob and one random backend.
Verdict check_table(CheckedReader& reader);

}  // namespace sluice

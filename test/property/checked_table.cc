#include "test/property/checked_table.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "shared/arena/layout.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"
#include "shared/base/hash.h"
#include "shared/table/format.h"

namespace sluice {
namespace {

using arena::LinkedBy;
using arena::Offset;
using table::Endpoint;
using table::EndpointAddress;
using table::EndpointList;
using table::EndpointSlot;

constexpr std::uint64_t kSeed = 0x5eed;
constexpr std::uint32_t kMaxBlobBytes = 6000;

std::uint64_t check_of(const void* record, std::size_t bytes) {
  const char* const text = static_cast<const char*>(record);
  return hash_bytes(std::string_view(text + sizeof(std::uint64_t), bytes - sizeof(std::uint64_t)),
                    kSeed);
}

// Endpoint lists are told apart by what their addresses repeat: the backend's name and how many
// there are.
EndpointAddress checked_address(std::uint64_t name_hash, std::uint32_t count, std::uint32_t index) {
  EndpointAddress address;
  std::memcpy(address.address.data(), &name_hash, sizeof name_hash);
  std::memcpy(address.address.data() + 8, &count, sizeof count);
  std::memcpy(address.address.data() + 12, &index, sizeof index);
  address.family = table::Family::kIpv6;
  address.port = static_cast<std::uint16_t>(count);
  return address;
}

}  // namespace

CheckedWriter::CheckedWriter(std::unique_ptr<arena::Arena> arena,
                             std::unique_ptr<table::EndpointTable> endpoints, std::uint64_t seed)
    : arena_(std::move(arena)), endpoints_(std::move(endpoints)), random_(seed) {}

Result<std::unique_ptr<CheckedWriter>> CheckedWriter::start(const arena::ArenaOptions& options,
                                                            std::uint64_t seed,
                                                            std::uint64_t steps_to_live) {
  Result<std::unique_ptr<arena::Arena>> arena = arena::Arena::open(options);
  if (!arena) return tl::unexpected<Error>(std::move(arena.error()));
  Result<std::unique_ptr<table::EndpointTable>> endpoints = table::EndpointTable::open(**arena);
  if (!endpoints) return tl::unexpected<Error>(std::move(endpoints.error()));
  std::unique_ptr<CheckedWriter> writer(
      new CheckedWriter(std::move(*arena), std::move(*endpoints), seed));
  writer->next_.generation = writer->arena_->predecessor_generation();
  writer->steps_to_live_ = steps_to_live;
  writer->wants_compaction_ = steps_to_live % 2 == 1;
  for (std::size_t i = 0; i < kCheckedBackends; ++i) {
    // The first names come back after a kill; those given later don't.
    writer->names_[i] = "backend" + std::to_string(i);
    if (Result<void> put = writer->put_endpoints(i); !put) {
      return propagate(std::move(put), "first endpoints");
    }
  }
  for (std::size_t i = 0; i < kCheckedBlobs; ++i) {
    if (Result<void> written = writer->write_blob(i); !written) {
      return propagate(std::move(written), "first blobs");
    }
  }
  if (Result<void> published = writer->publish(); !published) {
    return propagate(std::move(published), "first root");
  }
  return writer;
}

void CheckedWriter::step() {
  if (steps_to_live_ == 0) return;
  --steps_to_live_;
  if (steps_to_live_ == 0) kill(getpid(), SIGKILL);
}

Result<void> CheckedWriter::write_blob(std::size_t index) {
  const auto bytes = static_cast<std::uint32_t>(sizeof(CheckedBlob) + draw(kMaxBlobBytes) / 8 * 8);
  const Result<Offset> offset = arena_->allocate(bytes);
  if (!offset) return tl::unexpected<Error>(offset.error());
  auto* const blob = arena_->at<CheckedBlob>(*offset);
  std::memset(blob, static_cast<int>(draw(256)), bytes);
  blob->generation = next_.generation + 1;
  blob->index = static_cast<std::uint32_t>(index);
  blob->bytes = bytes;
  blob->check = check_of(blob, bytes);
  next_.blobs[index] = {*offset, bytes};
  step();
  return {};
}

Result<void> CheckedWriter::put_endpoints(std::size_t index) {
  const std::uint64_t name_hash = hash_bytes(names_[index], kSeed);
  const auto count = static_cast<std::uint32_t>(draw(40) + 1);
  std::vector<EndpointAddress> list;
  list.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i)
    list.push_back(checked_address(name_hash, count, i));
  const Result<table::SlotRef> ref = endpoints_->put(names_[index], list);
  if (!ref) return tl::unexpected<Error>(ref.error());
  next_.backends[index] = {ref->slot, ref->incarnation, name_hash};
  step();
  return {};
}

Result<void> CheckedWriter::rename_backend(std::size_t index) {
  const std::string name = "backend" + std::to_string(draw(1000));
  if (std::ranges::count(names_, name) > 0) return {};
  const std::string before = std::exchange(names_[index], name);
  if (Result<void> put = put_endpoints(index); !put) return put;
  if (Result<void> published = publish(); !published) return published;
  endpoints_->remove(before);
  return {};
}

Result<void> CheckedWriter::publish() {
  const Result<Offset> offset = arena_->allocate(sizeof(CheckedRoot), 64);
  if (!offset) return tl::unexpected<Error>(offset.error());
  next_.generation += 1;
  next_.check = check_of(&next_, sizeof next_);
  *arena_->at<CheckedRoot>(*offset) = next_;
  if (root_ != 0) arena_->retire(root_, sizeof(CheckedRoot), 64);
  arena_->publish_root(*offset, next_.generation);
  root_ = *offset;
  step();
  return {};
}

Result<void> CheckedWriter::compact() {
  endpoints_->collect();
  if (Result<void> begun = arena_->begin_compaction(); !begun) {
    if (begun.error().code == Errc::kUnavailable) return {};
    return begun;
  }
  wants_compaction_ = false;
  root_ = 0;
  if (Result<void> moved = endpoints_->rewrite(); !moved) return moved;
  for (std::size_t i = 0; i < kCheckedBlobs; ++i) {
    if (Result<void> written = write_blob(i); !written) return written;
  }
  ++compactions_;
  return publish();
}

Result<void> CheckedWriter::change() {
  const std::uint64_t choice = draw(200);
  if (choice == 0 || wants_compaction_) {
    if (Result<void> compacted = compact(); !compacted) return compacted;
  }
  if (choice < 20) return rename_backend(draw(kCheckedBackends));
  if (choice < 60) return put_endpoints(draw(kCheckedBackends));
  for (std::uint64_t left = draw(4) + 1; left > 0; --left) {
    const std::size_t index = draw(kCheckedBlobs);
    const CheckedRoot::BlobRef before = next_.blobs[index];
    if (Result<void> written = write_blob(index); !written) return written;
    arena_->retire(before.offset, before.bytes);
  }
  return publish();
}

void CheckedWriter::reclaim(std::uint64_t now_ms, std::uint64_t patience_ms) {
  arena_->reclaim(now_ms, patience_ms);
}

namespace {

using Bytes = std::span<const std::byte>;

bool copy_out(Bytes from, std::uint64_t at, void* to, std::size_t bytes) {
  if (!fits(at, bytes, 1, from.size())) return false;
  std::memcpy(to, from.data() + at, bytes);
  return true;
}

bool read_root(CheckedReader& reader, Bytes segment, Offset offset, CheckedRoot& root) {
  if (!copy_out(segment, std::uint64_t{offset} * 8, &root, sizeof root)) {
    reader.what = "the root does not fit";
  } else if (root.check != check_of(&root, sizeof root)) {
    reader.what = "the root is torn or reused";
  } else if (root.generation < reader.last_generation) {
    reader.what = "the generation went back";
  } else {
    return true;
  }
  return false;
}

bool blob_is_right(CheckedReader& reader, Bytes segment, const CheckedRoot& root) {
  const std::size_t index = reader.random() % kCheckedBlobs;
  const CheckedRoot::BlobRef ref = root.blobs[index];
  reader.copy.resize(sizeof(CheckedBlob) + kMaxBlobBytes);
  CheckedBlob blob = {};
  if (ref.bytes < sizeof blob || ref.bytes > reader.copy.size() ||
      !copy_out(segment, std::uint64_t{ref.offset} * 8, reader.copy.data(), ref.bytes)) {
    reader.what = "a blob does not fit";
    return false;
  }
  std::memcpy(&blob, reader.copy.data(), sizeof blob);
  if (blob.check != check_of(reader.copy.data(), ref.bytes) || blob.index != index ||
      blob.bytes != ref.bytes || blob.generation > root.generation) {
    reader.what = "a blob is torn or reused";
    return false;
  }
  return true;
}

bool list_is_right(CheckedReader& reader, Bytes segment, std::uint64_t at,
                   const CheckedRoot::BackendRef& ref) {
  EndpointList list = {};
  if (!copy_out(segment, at, &list, sizeof list)) {
    reader.what = "an endpoint list does not fit";
    return false;
  }
  for (std::uint32_t i = 0; i < std::min(list.count, 64U); ++i) {
    Endpoint endpoint = {};
    if (!copy_out(segment, at + sizeof list + i * sizeof endpoint, &endpoint, sizeof endpoint)) {
      reader.what = "an endpoint does not fit";
      return false;
    }
    const EndpointAddress expected = checked_address(ref.name_hash, list.count, i);
    if (std::memcmp(endpoint.address, expected.address.data(), sizeof endpoint.address) != 0 ||
        endpoint.port != expected.port) {
      reader.what = "an endpoint is torn or reused";
      return false;
    }
    reader.counter = endpoint.counter;
  }
  if (list.count == 0 || list.count > 40 || list.incarnation != ref.incarnation) {
    reader.what = "an endpoint list is torn or reused";
    return false;
  }
  return true;
}

bool backend_is_right(CheckedReader& reader, const CheckedRoot& root) {
  const CheckedRoot::BackendRef& ref = root.backends[reader.random() % kCheckedBackends];
  const Bytes file =
      reader.mapping.endpoint_file((std::size_t{ref.slot} + 1) * sizeof(EndpointSlot));
  const std::uint64_t at = std::uint64_t{ref.slot} * sizeof(EndpointSlot);
  if (!fits(at, sizeof(EndpointSlot), 1, file.size())) {
    reader.what = "a slot does not fit";
    return false;
  }
  const auto& slot = *reinterpret_cast<const EndpointSlot*>(file.data() + at);
  const std::uint64_t word = arena::load_word(slot.word, std::memory_order_acquire);
  if (arena::slot_word_incarnation(word) != ref.incarnation || arena::word_offset(word) == 0) {
    reader.what = "a slot was given away or emptied";
    return false;
  }
  return list_is_right(reader, reader.mapping.segment(arena::slot_word_segment(word)),
                       std::uint64_t{arena::word_offset(word)} * 8, ref);
}

}  // namespace

Verdict check_table(CheckedReader& reader) {
  const arena::Snapshot snapshot = reader.mapping.enter();
  if (snapshot.base == nullptr) return Verdict::kEmpty;
  const Bytes segment(snapshot.base, snapshot.units * 8);
  CheckedRoot root = {};
  const bool right = read_root(reader, segment, snapshot.root, root) &&
                     blob_is_right(reader, segment, root) && backend_is_right(reader, root);
  if (!reader.mapping.unmoved(snapshot)) return Verdict::kMoved;
  if (right) reader.last_generation = root.generation;
  return right ? Verdict::kRight : Verdict::kWrong;
}

}  // namespace sluice

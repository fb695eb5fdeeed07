#include "shared/arena/block_allocator.h"

#include <algorithm>
#include <bit>

#include "shared/base/bytes.h"

namespace sluice::arena {
namespace {

constexpr std::uint32_t kExactUnits = 64;
constexpr std::uint64_t kLine = 64;

// How many low bits a size class of more than kExactUnits leaves out: it has four significant bits.
int dropped_bits(std::uint32_t units) {
  return static_cast<int>(std::bit_width(units - 1)) - 4;
}

}  // namespace

BlockShape BlockShape::of(std::size_t bytes, std::size_t alignment) {
  BlockShape shape;
  shape.line_aligned = alignment > 8;
  const std::uint64_t rounded =
      align_up(std::max<std::size_t>(bytes, 1), shape.line_aligned ? kLine : 8);
  shape.units = static_cast<std::uint32_t>(rounded / 8);
  if (shape.units > kExactUnits) {
    const int dropped = dropped_bits(shape.units);
    shape.units = (((shape.units - 1) >> dropped) + 1) << dropped;
  }
  return shape;
}

std::size_t BlockAllocator::class_index(BlockShape shape) {
  if (shape.units <= kExactUnits) return shape.units;
  const int dropped = dropped_bits(shape.units);
  const std::uint32_t top = (shape.units - 1) >> dropped;  // 8..15
  return kExactUnits + 1 + static_cast<std::size_t>(dropped - 3) * 8 + (top - 8);
}

std::vector<BlockAllocator::Offset>& BlockAllocator::free_list(BlockShape shape) {
  return free_[shape.line_aligned ? 1 : 0][class_index(shape)];
}

void BlockAllocator::reset(std::uint64_t first_byte) {
  for (auto& lists : free_) {
    for (std::vector<Offset>& list : lists)
      list.clear();
  }
  limbo_.clear();
  retired_with_root_.clear();
  journal_.clear();
  // Offset 0 means none, so the first line is never given out.
  next_byte_ = align_up(std::max(first_byte, kLine), kLine);
  live_bytes_ = 0;
  limbo_bytes_ = 0;
}

BlockAllocator::Offset BlockAllocator::take_free(BlockShape shape) {
  std::vector<Offset>& list = free_list(shape);
  if (list.empty()) return 0;
  const Offset offset = list.back();
  list.pop_back();
  live_bytes_ += shape.bytes();
  return offset;
}

std::uint64_t BlockAllocator::end_after(BlockShape shape) const {
  return align_up(next_byte_, shape.line_aligned ? kLine : 8) + shape.bytes();
}

BlockAllocator::Offset BlockAllocator::take_new(BlockShape shape) {
  const std::uint64_t start = align_up(next_byte_, shape.line_aligned ? kLine : 8);
  if (start > next_byte_) {  // the gap before a line is a small block of its own
    const auto gap_units = static_cast<std::uint32_t>((start - next_byte_) / 8);
    free_list({gap_units, false}).push_back(static_cast<Offset>(next_byte_ / 8));
  }
  next_byte_ = start + shape.bytes();
  live_bytes_ += shape.bytes();
  return static_cast<Offset>(start / 8);
}

void BlockAllocator::journal(Offset offset, BlockShape shape) {
  journal_.push_back({offset, shape});
}

void BlockAllocator::retire_with_root(Offset offset, BlockShape shape) {
  retired_with_root_.push_back({offset, shape});
}

void BlockAllocator::retire_at(Offset offset, BlockShape shape, std::uint64_t epoch) {
  limbo_.push_back({{offset, shape}, epoch});
  live_bytes_ -= shape.bytes();
  limbo_bytes_ += shape.bytes();
}

void BlockAllocator::commit(std::uint64_t epoch) {
  for (const Block& block : retired_with_root_)
    retire_at(block.offset, block.shape, epoch);
  retired_with_root_.clear();
  journal_.clear();
}

void BlockAllocator::rollback() {
  retired_with_root_.clear();
  for (const Block& block : journal_) {
    free_list(block.shape).push_back(block.offset);
    live_bytes_ -= block.shape.bytes();
  }
  journal_.clear();
}

BlockAllocator::Block BlockAllocator::free_one(std::uint64_t passed_epoch) {
  if (limbo_.empty() || limbo_.front().epoch > passed_epoch) return {};
  const Block block = limbo_.front().block;
  limbo_.pop_front();
  limbo_bytes_ -= block.shape.bytes();
  free_list(block.shape).push_back(block.offset);
  return block;
}

}  // namespace sluice::arena

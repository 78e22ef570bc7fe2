#include "exec/arena.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "exec/sanitizer.hpp"

namespace tandem {

Bytes block_size(Bytes bytes) { return {std::max<std::int64_t>(1, (bytes.count + 63) / 64) * 64}; }

Arena::~Arena() {
  for (const auto& [address, block] : blocks_) allow_access(block.memory.get(), block.size);
}

Arena::Block& Arena::take(Bytes size) {
  std::vector<Block*>& row = free_[size];
  if (row.empty()) {
    const auto count = static_cast<std::size_t>(size.count);
    Block block;
    block.memory.reset(static_cast<std::byte*>(::operator new[](count, std::align_val_t{64})));
    block.size = size;
    std::memset(block.memory.get(), 0, count);
    row.reserve(row.capacity() + 1);
    held_ += size;
    const std::byte* address = block.memory.get();
    row.push_back(&blocks_.emplace(address, std::move(block)).first->second);
  }
  Block& block = *row.back();
  row.pop_back();
  return block;
}

std::byte* Arena::allocate(Bytes bytes, BufferClass kind) {
  invariant(bytes.count >= 0, "a block has no negative size");
  invariant(!most_ || live_.total + bytes <= *most_, "an arena holds no more than its budget");
  Block& block = take(block_size(bytes));
  block.asked = bytes;
  block.kind = kind;
  block.is_live = true;
  count(bytes, kind, false);
  allow_access(block.memory.get(), block.size);
  return block.memory.get();
}

void Arena::release(std::byte* address) {
  const auto found = blocks_.find(address);
  invariant(found != blocks_.end() && found->second.is_live, "freed memory is live and belongs to the worker");
  Block& block = found->second;
  block.is_live = false;
  count(block.asked, block.kind, true);
  forbid_access(address, block.size);
  free_.find(block.size)->second.push_back(&block);
}

void Arena::count(Bytes bytes, BufferClass kind, bool frees) {
  const std::size_t row = static_cast<std::size_t>(kind);
  const Bytes change{frees ? -bytes.count : bytes.count};
  live_.by_class[row] += change;
  live_.total += change;
  peak_.by_class[row] = std::max(peak_.by_class[row], live_.by_class[row]);
  peak_.total = std::max(peak_.total, live_.total);
}

}  // namespace tandem

#pragma once
// An arena: the memory of one worker, counted by buffer class, its blocks kept for reuse when they are freed.
//
// 1. One thread at a time uses an arena: its worker's compute thread.
// 2. The bytes counted are those asked for; a block may be larger (rounded to 64) and stays with the arena when freed.
// 3. Once every size has been allocated as often as it is ever live at once, allocate() takes no memory from the
//    system.

#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "plan/timeline.hpp"

namespace tandem {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// From now on allocate() throws InvariantError where more would be live.
  void limit(Bytes most) { most_ = most; }
  /// A block of at least `bytes`, 64-byte aligned; zero bytes are a block of their own too. A new block is written
  /// once, so that its pages are there. Throws std::bad_alloc.
  std::byte* allocate(Bytes bytes, BufferClass kind);
  /// Throws InvariantError when `block` is not a live block of this arena.
  void release(std::byte* block);

  Bytes live(BufferClass kind) const { return live_.by_class[static_cast<std::size_t>(kind)]; }
  Bytes live() const { return live_.total; }
  const MemoryPeak& peak() const { return peak_; }
  void restart_peak() { peak_ = live_; }
  Bytes held() const { return held_; }  ///< taken from the system: live blocks and those kept for reuse

 private:
  struct AlignedDelete {
    void operator()(std::byte* block) const { ::operator delete[](block, std::align_val_t{64}); }
  };
  struct Block {
    std::unique_ptr<std::byte[], AlignedDelete> memory;
    Bytes size, asked;
    BufferClass kind = BufferClass::workspace;
    bool is_live = false;
  };
  Block& take(Bytes size);
  void count(Bytes bytes, BufferClass kind, bool frees);

  std::map<const std::byte*, Block> blocks_;
  std::map<Bytes, std::vector<Block*>> free_;  ///< by size; a row's capacity is the number of blocks of that size
  MemoryPeak live_, peak_;
  Bytes held_;
  std::optional<Bytes> most_;
};

/// What a block for `bytes` takes from the system.
Bytes block_size(Bytes bytes);

}  // namespace tandem

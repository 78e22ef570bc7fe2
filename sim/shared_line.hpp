#pragma once
// One cache line that several cores write: whose it is, and how long the others wait for it.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tandem {

/// A line is written by the core that owns it, and goes to those who ask in the order of asking, each move `transfer`
/// picoseconds. A core gives the line away as soon as it has used it for the write it was asked for; reading a line of
/// another core takes as long as a move and leaves it there. Times do not decrease, but for a read's.
class SharedLine {
 public:
  SharedLine(std::int64_t cores, std::int64_t transfer)
      : transfer_(transfer), owned_from_(static_cast<std::size_t>(cores), 0) {}

  /// When the core sees the line's value if it asks at `time`.
  std::int64_t read(std::uint32_t core, std::int64_t time) const { return owns(core, time) ? time : time + transfer_; }

  /// When the core has written if it asks at `time` and the write takes `use`. One write follows the other.
  std::int64_t write(std::uint32_t core, std::int64_t time, std::int64_t use) {
    const std::int64_t begin = std::max(time, last_use_) + (last_asker_ == core ? 0 : transfer_);
    last_asker_ = core;
    owned_from_[core] = begin;
    return last_use_ = begin + use;
  }

  /// write() of a core that has just read the line: where no write came between, the others' copies need only be
  /// declared invalid, one message where fetching the line takes two (the upgrade of a MESI protocol).
  std::int64_t write_after_read(std::uint32_t core, std::int64_t time, std::int64_t use) {
    if (last_asker_ == core || last_use_ > time) return write(core, time, use);
    last_asker_ = core;
    owned_from_[core] = time + transfer_ / 2;
    return last_use_ = owned_from_[core] + use;
  }

  /// The line is there, and nobody has asked for it since.
  bool owns(std::uint32_t core, std::int64_t time) const {
    return last_asker_ == core && owned_from_[core] <= time;
  }

  /// The core has asked for the line before and does not have it yet.
  bool awaits(std::uint32_t core, std::int64_t time) const { return owned_from_[core] > time; }

 private:
  static constexpr std::uint32_t kNobody = 0xffffffff;
  std::int64_t transfer_;
  std::int64_t last_use_ = 0;              ///< when the last write asked for ends
  std::uint32_t last_asker_ = kNobody;
  std::vector<std::int64_t> owned_from_;   ///< by core: when its last move to it ends
};

}  // namespace tandem

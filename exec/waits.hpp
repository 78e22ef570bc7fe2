#pragma once
// What each step has to wait for, as counts of other streams, without what earlier steps of its own stream waited for.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// `count` steps of `stream` have ended.
struct Wait {
  StreamId stream;
  std::uint32_t count;
};

class Waits {
 public:
  explicit Waits(const Program& program);
  std::span<const Wait> of(StepId step) const {
    return {waits_.data() + offset_[index_of(step)], waits_.data() + offset_[index_of(step) + 1]};
  }

 private:
  std::vector<std::uint32_t> offset_;
  std::vector<Wait> waits_;
};

}  // namespace tandem

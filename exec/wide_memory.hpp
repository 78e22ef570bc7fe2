#pragma once
// Where kernels find bfloat16 tensors widened to float. It stands for the registers and accumulators of a compute unit,
// so it is no buffer of the Program and counts as no memory of the device.

#include <algorithm>
#include <cstddef>
#include <deque>

#include "base/id.hpp"
#include "exec/aligned_values.hpp"
#include "plan/program_kinds.hpp"

namespace tandem {

/// One block per worker, as long as its widest pass needs; a worker runs one pass at a time.
class WideMemory {
 public:
  explicit WideMemory(std::size_t workers) : blocks_(workers) {}

  /// While works are being prepared: before any of them runs.
  void reserve(WorkerId worker, std::size_t floats) {
    AlignedValues<float>& block = blocks_[index_of(worker)];
    block.resize(std::max(block.size(), floats));
  }
  float* of(WorkerId worker) { return blocks_[index_of(worker)].data(); }

 private:
  std::deque<AlignedValues<float>> blocks_;
};

}  // namespace tandem

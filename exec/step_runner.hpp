#pragma once
// Computes steps on the calling thread: gathers the pointers of a step's buffers and calls its prepared work.

#include <vector>

#include "exec/buffer_memory.hpp"
#include "exec/step_work.hpp"

namespace tandem {

class StepRunner {
 public:
  StepRunner(const WorkContext& context, const BufferMemory& memory);

  /// Runs a compute step. Steps of different workers may run at once. Throws what a kernel throws.
  void run(StepId step, std::int64_t iteration);
  /// Moves the bytes of a copy between the arenas of device and host.
  void copy(StepId step) const;
  /// Where the bytes of a send or receive, or the vector of a collective's member, lie.
  std::byte* payload(StepId message_end) const;
  /// By micro-batch of all replicas, of the iteration that ran last.
  const std::vector<float>& losses() const { return losses_; }
  /// Set before any step runs.
  void observe(KernelObserver observer) { observer_ = std::move(observer); }

 private:
  Bases bases_of(StepId step) const;

  WorkContext context_;
  const BufferMemory& memory_;
  std::vector<StepFunction> works_;  ///< by WorkId
  std::vector<std::int64_t> tie_offset_;  ///< by ChannelId: of the tied gradient in the sender's gradients
  std::vector<float> losses_;
  WideMemory wide_;
  KernelObserver observer_;
};

}  // namespace tandem

#pragma once
// Who is known to precede whom on one worker, from the order of its streams and direct edges alone: cheap, and enough
// for Programs that lowering makes.

#include <cstdint>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

class Precedence {
 public:
  explicit Precedence(const Program& program);  ///< keeps a reference
  /// Does `early` end before `late` starts, both on one worker? True is proven; false means "not by one direct edge",
  /// from the step itself or from one after it on its stream.
  bool before(StepId early, StepId late) const;

 private:
  static constexpr std::uint32_t kNever = ~0u;
  bool on_compute(StepId id) const;
  void note_edge(StepId earlier, StepId later);
  void spread_along(const Stream& stream);

  const Program& program_;
  /// For a step off the compute stream: the latest compute step that it, or one before it on its stream, waits for
  /// (+1).
  std::vector<std::uint32_t> waits_for_;
  /// The earliest compute step that waits for it or for one after it on its stream.
  std::vector<std::uint32_t> awaited_by_;
};

}  // namespace tandem

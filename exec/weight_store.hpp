#pragma once
// The values of parameters in the workers' persistent buffers: set before a run, read after it.

#include <cstdint>
#include <functional>
#include <vector>

#include "exec/buffer_memory.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"

namespace tandem {

class WeightStore {
 public:
  WeightStore(const Program& program, const Model& model, const Optimizer& optimizer, const BufferMemory& memory);

  /// Sets the worker's weights, and their master copies, to their initial values. Returns early, with some unset, when `stopped()` holds.
  void initialise(WorkerId worker, std::uint64_t seed, const std::function<bool()>& stopped) const;

  /// By ParameterId; empty for a tied use.
  std::vector<std::vector<float>> weights() const {
    return gather(BufferContent::weights, BufferContent::weight_shard);
  }
  std::vector<std::vector<float>> gradients() const {
    return gather(BufferContent::gradients, BufferContent::gradient_shard);
  }

 private:
  std::vector<std::vector<float>> gather(BufferContent content, BufferContent shard) const;
  void gather(const StepWork& update, const ParameterRange& range, ElementType type, const std::byte* from,
              std::vector<std::vector<float>>& values) const;
  void initialise_owned(const StepWork& update, std::uint64_t seed, const std::function<bool()>& stopped) const;
  void set_range(const StepWork& update, const ParameterRange& range, std::uint64_t seed, ElementType type,
                 std::byte* values, const std::function<bool()>& stopped) const;
  std::vector<std::byte*> places_of(const StepWork& update, BufferContent content, std::int64_t byte) const;
  std::byte* persistent(const StepWork& update, BufferContent content, std::int64_t byte) const;
  std::byte* values_of(const StepWork& update, const ParameterRange& range, BufferContent whole,
                       BufferContent shard) const;

  const Program& program_;
  const Model& model_;
  const Optimizer& optimizer_;
  const BufferMemory& memory_;
};

}  // namespace tandem

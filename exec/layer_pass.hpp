#pragma once
// One pass of one layer, prepared: the kernel is found and its tensors are places, so a step only fills in pointers.
//
// Kernels compute in float. A tensor that is stored as bfloat16 is widened into the worker's WideMemory before the kernel
// runs, and what it wrote is rounded back after it; so adding to a stored gradient reads it, adds in float, and rounds.

#include <memory>
#include <vector>

#include "exec/kernel.hpp"
#include "exec/step_work.hpp"

namespace tandem {

class LayerPass {
 public:
  /// `loss_gradient`: 1 / micro-batches of all replicas. `seed`: of random masks. The model must outlive this.
  LayerPass(const Model& model, const Segment& segment, const PassItem& item, float loss_gradient, std::uint64_t seed);

  /// Runs the kernel on the calling thread, once for each rectangle of the item's region. One call at a time.
  void run(const StepCall& call);

  LayerId layer() const { return layer_; }
  Pass pass() const { return pass_; }
  Region region() const { return region_; }
  /// Floats of WideMemory that run() uses.
  std::size_t wide_floats() const { return wide_floats_; }

 private:
  /// A tensor as the kernel meets it: where it lies, or widened.
  struct Operand {
    Slot slot{};
    std::int64_t elements = 0;
    bool is_short = false;
    bool reads = true, writes = false;
    std::size_t wide = 0;  ///< where it lies widened, in floats; operands in one place have one
  };
  Operand operand(const Slot& slot, const TensorSpec& spec, std::int64_t samples, bool reads, bool writes);
  Operand operand(const Slot& slot, const ParameterSpec& spec, bool writes);
  Operand operand(const Slot& slot, ElementType type, std::int64_t elements, bool reads, bool writes);
  std::byte* opened(const Operand& operand, const StepCall& call) const;
  void close(const Operand& operand, const StepCall& call) const;
  template <class Pointer>
  void open(const std::vector<Operand>& operands, const StepCall& call, std::vector<Pointer>& pointers) const;
  void place_inputs(const Layer& layer, const PassItem& item, const std::vector<Placement>& places);
  void place_parameters(const Model& model, const Layer& layer, const Segment& segment);
  void place_gradients(const LayerPlan& plan, const TensorSpec& output, std::int64_t samples);
  void open_all(const StepCall& call);
  void close_all(const StepCall& call) const;

  LayerId layer_;
  Pass pass_;
  Region region_;
  std::vector<std::optional<OutputRectangle>> rectangles_;
  Kernel<float> kernel_;
  KernelArguments<float> arguments_;
  std::int64_t sample_part_;  ///< Origins::sample_part
  std::vector<TensorSpec> input_specs_;
  std::vector<std::int64_t> input_samples_;  ///< of a micro-batch, those of each input
  std::unique_ptr<bool[]> accumulate_;
  bool writes_in_part_;  ///< the kernel leaves some of what it writes as it was
  std::size_t wide_floats_ = 0;
  Slot scratch_;
  Operand output_, output_gradient_;
  std::vector<Operand> inputs_, parameters_, extra_, input_gradients_, parameter_gradients_;
  std::vector<const void*> input_pointers_;
  std::vector<const float*> parameter_pointers_;
  std::vector<float*> extra_pointers_, input_gradient_pointers_, parameter_gradient_pointers_;
};

}  // namespace tandem

#pragma once
// One pass of one layer, prepared: the kernel is found and its tensors are places, so a step only fills in pointers.

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

 private:
  void place_inputs(const Layer& layer, const std::vector<Placement>& places, const PassItem& item);
  void place_parameters(const Layer& layer, const Segment& segment);
  void place_gradients(const LayerPlan& plan);
  void point_into(const Bases& bases);

  LayerId layer_;
  Pass pass_;
  Region region_;
  std::vector<std::optional<OutputRectangle>> rectangles_;
  Kernel<float> kernel_;
  KernelArguments<float> arguments_;
  std::int64_t sample_part_;  ///< Origins::sample_part
  std::vector<TensorSpec> input_specs_;
  std::unique_ptr<bool[]> accumulate_;
  Slot output_, scratch_, output_gradient_;
  std::vector<Slot> inputs_, parameters_, extra_, input_gradients_, parameter_gradients_;
  std::vector<const void*> input_pointers_;
  std::vector<const float*> parameter_pointers_;
  std::vector<float*> extra_pointers_, input_gradient_pointers_, parameter_gradient_pointers_;
};

}  // namespace tandem

#include "exec/layer_pass.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/random.hpp"
#include "exec/kernels/conversions.hpp"
#include "plan/conversions.hpp"
#include "plan/region_share.hpp"

namespace tandem {
namespace {

const SegmentParameter& find_parameter(const Segment& segment, ParameterId id) {
  const auto found = std::find_if(segment.parameters.begin(), segment.parameters.end(),
                                  [id](const SegmentParameter& row) { return row.parameter == id; });
  invariant(found != segment.parameters.end(), "a segment places every parameter of its layers");
  return *found;
}

Slot scratch_of(const LayerPlan& plan, const PassItem& item) {
  if (item.pass == Pass::forward) return slot_of(item.again ? plan.again_scratch : plan.scratch);
  return slot_of(item.pass == Pass::input_gradient ? plan.input_gradient_scratch : plan.weight_gradient_scratch);
}

Slot output_of(const LayerPlan& plan, const Layer& layer, const PassItem& item) {
  if (item.pass == Pass::forward) return slot_of(item.again ? plan.again_output : plan.output);
  return layer.kept.output ? slot_of(plan.kept_output) : Slot{};
}

/// What one call each computes of the item's region: all of the output, or rectangles.
std::vector<std::optional<OutputRectangle>> rectangles_of(const LayerPlan& plan, const TensorSpec& output,
                                                          const PassItem& item) {
  if (item.region == Region::all) return {std::nullopt};
  invariant(item.pass == Pass::forward && !plan.nest.empty(), "F alone has regions, of layers that know their interior");
  const std::vector<OutputRectangle> pieces = pieces_of(plan, output, item.region);
  return {pieces.begin(), pieces.end()};
}

template <class Pointer>
void fill(const std::vector<Slot>& slots, const Bases& bases, std::vector<Pointer>& pointers) {
  for (std::size_t i = 0; i < slots.size(); ++i) pointers[i] = reinterpret_cast<Pointer>(slots[i].in(bases));
}

}  // namespace

LayerPass::LayerPass(const Model& model, const Segment& segment, const PassItem& item, float loss_gradient,
                     std::uint64_t seed)
    : layer_(segment.layers[item.layer].layer), pass_(item.pass), region_(item.region),
      sample_part_(model.layer(layer_).origins.sample_part), input_specs_(model.input_specs(layer_)) {
  const LayerPlan& plan = segment.layers[item.layer];
  const Pass pass = item.pass;
  const Layer& layer = model.layer(plan.layer);
  rectangles_ = rectangles_of(plan, layer.output, item);
  const auto table = is_conversion(*layer.kind) ? conversion_kernels() : fast_kernels();
  kernel_ = find_kernels<float>(table, layer.kind->name).of(pass);
  invariant(kernel_ != nullptr, "the table has a kernel for every pass that runs");
  const bool first_time = pass == Pass::forward && !item.again;
  place_inputs(layer, first_time ? plan.inputs : plan.kept_inputs, item);
  place_parameters(layer, segment);
  for (const Placement& extra : first_time ? plan.extra : plan.kept_extra) extra_.push_back(slot_of(extra));
  extra_pointers_.resize(extra_.size());
  output_ = output_of(plan, layer, item);
  if (pass != Pass::forward) place_gradients(plan);
  scratch_ = scratch_of(plan, item);

  arguments_.attributes = &layer.attributes;
  arguments_.output_spec = &layer.output;
  arguments_.input_specs = input_specs_;
  arguments_.batch = model.samples(layer_, segment.batch);
  arguments_.seed = loss_gradient / static_cast<float>(layer.origins.sample_parts);
  arguments_.origins = layer.origins.inputs.empty() && layer.origins.output.empty() ? nullptr : &layer.origins;
  arguments_.seed_of_masks = seed;
  arguments_.layer_key = stream_of(layer.name);
  arguments_.inputs = input_pointers_;
  arguments_.parameters = parameter_pointers_;
  arguments_.extra = extra_pointers_;
  arguments_.input_gradients = input_gradient_pointers_;
  arguments_.accumulate = {accumulate_.get(), input_gradients_.size()};
  arguments_.parameter_gradients = parameter_gradient_pointers_;
}

void LayerPass::place_inputs(const Layer& layer, const std::vector<Placement>& places, const PassItem& item) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool read = pass_ == Pass::forward ? item.reads(i) : layer.kept.inputs[i];
    inputs_.push_back(read ? slot_of(places[i]) : Slot{});
  }
  input_pointers_.resize(inputs_.size());
}

void LayerPass::place_parameters(const Layer& layer, const Segment& segment) {
  for (const ParameterId id : layer.parameters) {
    const SegmentParameter& row = find_parameter(segment, id);
    parameters_.push_back(slot_of(BufferContent::weights, row.weight_offset));
    if (pass_ == Pass::weight_gradient)
      parameter_gradients_.push_back(slot_of(BufferContent::gradients, row.gradient_offset));
  }
  parameter_pointers_.resize(parameters_.size());
  parameter_gradient_pointers_.resize(parameter_gradients_.size());
}

void LayerPass::place_gradients(const LayerPlan& plan) {
  output_gradient_ = slot_of(plan.output_gradient);
  if (pass_ != Pass::input_gradient) return;
  accumulate_ = std::make_unique<bool[]>(plan.input_gradients.size());
  std::copy(plan.accumulate.begin(), plan.accumulate.end(), accumulate_.get());
  for (const Placement& gradient : plan.input_gradients) input_gradients_.push_back(slot_of(gradient));
  input_gradient_pointers_.resize(input_gradients_.size());
}

void LayerPass::point_into(const Bases& bases) {
  fill(inputs_, bases, input_pointers_);
  fill(parameters_, bases, parameter_pointers_);
  fill(extra_, bases, extra_pointers_);
  fill(input_gradients_, bases, input_gradient_pointers_);
  fill(parameter_gradients_, bases, parameter_gradient_pointers_);
  arguments_.output = reinterpret_cast<float*>(output_.in(bases));
  arguments_.scratch = scratch_.in(bases);
  arguments_.output_gradient = reinterpret_cast<const float*>(output_gradient_.in(bases));
}

void LayerPass::run(const StepCall& call) {
  point_into(call.bases);
  arguments_.iteration = call.iteration;
  arguments_.first_sample = call.first_sample + sample_part_ * arguments_.batch;
  for (const std::optional<OutputRectangle>& rectangle : rectangles_) {
    arguments_.rectangle = rectangle;
    kernel_(arguments_);
  }
}

}  // namespace tandem

#include "exec/layer_pass.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/random.hpp"
#include "exec/kernels/conversions.hpp"
#include "exec/stored_values.hpp"
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

}  // namespace

LayerPass::LayerPass(const Model& model, const Segment& segment, const PassItem& item, float loss_gradient,
                     std::uint64_t seed)
    : layer_(segment.layers[item.layer].layer), pass_(item.pass), region_(item.region),
      sample_part_(model.layer(layer_).origins.sample_part), input_specs_(model.input_specs(layer_)) {
  const LayerPlan& plan = segment.layers[item.layer];
  const Pass pass = item.pass;
  const Layer& layer = model.layer(plan.layer);
  rectangles_ = rectangles_of(plan, layer.output, item);
  writes_in_part_ = item.region != Region::all || is_conversion(*layer.kind);
  const auto table = is_conversion(*layer.kind) ? conversion_kernels() : fast_kernels();
  kernel_ = find_kernels<float>(table, layer.kind->name).of(pass);
  invariant(kernel_ != nullptr, "the table has a kernel for every pass that runs");
  const bool forward = pass == Pass::forward, first_time = forward && !item.again;
  const std::int64_t samples = model.samples(layer_, segment.batch);
  for (const LayerId input : layer.inputs) input_samples_.push_back(model.samples(input, segment.batch));
  place_inputs(layer, item, first_time ? plan.inputs : plan.kept_inputs);
  place_parameters(model, layer, segment);
  const std::vector<Placement>& extra = first_time ? plan.extra : plan.kept_extra;
  for (std::size_t i = 0; i < extra.size(); ++i)
    extra_.push_back(
        operand(slot_of(extra[i]), layer.kept.extra[i], samples, !forward || writes_in_part_, forward));
  extra_pointers_.resize(extra_.size());
  output_ = operand(output_of(plan, layer, item), layer.output, samples, !forward || writes_in_part_, forward);
  if (!forward) place_gradients(plan, layer.output, samples);
  scratch_ = scratch_of(plan, item);

  arguments_.attributes = &layer.attributes;
  arguments_.output_spec = &layer.output;
  arguments_.input_specs = input_specs_;
  arguments_.batch = samples;
  arguments_.seed = loss_gradient / static_cast<float>(layer.origins.loss_parts);
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

/// Operands in one place are one tensor, so that what the kernel writes to the first is there in the second.
LayerPass::Operand LayerPass::operand(const Slot& slot, ElementType type, std::int64_t elements, bool reads,
                                      bool writes) {
  constexpr std::size_t kApart = 64 / sizeof(float);
  Operand made{slot, elements, slot.present && type == ElementType::bfloat16, reads, writes};
  if (!made.is_short) return made;
  for (const auto* others : {&inputs_, &input_gradients_})
    for (const Operand& other : *others)
      if (other.is_short && other.slot == slot) {
        made.wide = other.wide;
        return made;
      }
  made.wide = wide_floats_;
  wide_floats_ += (static_cast<std::size_t>(elements) + kApart - 1) / kApart * kApart;
  return made;
}

LayerPass::Operand LayerPass::operand(const Slot& slot, const TensorSpec& spec, std::int64_t samples, bool reads,
                                      bool writes) {
  return operand(slot, spec.type, spec.elements(samples), reads, writes);
}

LayerPass::Operand LayerPass::operand(const Slot& slot, const ParameterSpec& spec, bool writes) {
  return operand(slot, spec.type, spec.elements(), true, writes);
}

/// What a region does not need may be arriving meanwhile, or not be there.
void LayerPass::place_inputs(const Layer& layer, const PassItem& item, const std::vector<Placement>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool read = pass_ == Pass::forward ? item.reads(i) : layer.kept.reads_input(i, pass_);
    const Slot slot = read ? slot_of(places[i]) : Slot{};
    inputs_.push_back(operand(slot, input_specs_[i], input_samples_[i], true, false));
  }
  input_pointers_.resize(inputs_.size());
}

void LayerPass::place_parameters(const Model& model, const Layer& layer, const Segment& segment) {
  for (const ParameterId id : layer.parameters) {
    const SegmentParameter& row = find_parameter(segment, id);
    const ParameterSpec& spec = model.parameter(id).spec;
    parameters_.push_back(operand(slot_of(BufferContent::weights, row.weight_offset), spec, false));
    if (pass_ == Pass::weight_gradient)
      parameter_gradients_.push_back(operand(slot_of(BufferContent::gradients, row.gradient_offset), segment.gradient_type,
                                             spec.elements(), true, true));
  }
  parameter_pointers_.resize(parameters_.size());
  parameter_gradient_pointers_.resize(parameter_gradients_.size());
}

void LayerPass::place_gradients(const LayerPlan& plan, const TensorSpec& output, std::int64_t samples) {
  output_gradient_ = operand(slot_of(plan.output_gradient), output, samples, true, false);
  if (pass_ != Pass::input_gradient) return;
  accumulate_ = std::make_unique<bool[]>(plan.input_gradients.size());
  std::copy(plan.accumulate.begin(), plan.accumulate.end(), accumulate_.get());
  for (std::size_t i = 0; i < plan.input_gradients.size(); ++i)
    input_gradients_.push_back(operand(slot_of(plan.input_gradients[i]), input_specs_[i], input_samples_[i],
                                       plan.accumulate[i] || writes_in_part_, true));
  input_gradient_pointers_.resize(input_gradients_.size());
}

std::byte* LayerPass::opened(const Operand& operand, const StepCall& call) const {
  std::byte* const stored = operand.slot.in(call.bases);
  if (!operand.is_short) return stored;
  float* const wide = call.wide + operand.wide;
  if (operand.reads) widen_values(reinterpret_cast<const Bfloat16*>(stored), operand.elements, wide);
  return reinterpret_cast<std::byte*>(wide);
}

void LayerPass::close(const Operand& operand, const StepCall& call) const {
  if (!operand.is_short || !operand.writes) return;
  round_values(call.wide + operand.wide, operand.elements,
               reinterpret_cast<Bfloat16*>(operand.slot.in(call.bases)));
}

template <class Pointer>
void LayerPass::open(const std::vector<Operand>& operands, const StepCall& call, std::vector<Pointer>& pointers) const {
  for (std::size_t i = 0; i < operands.size(); ++i)
    pointers[i] = reinterpret_cast<Pointer>(opened(operands[i], call));
}

void LayerPass::open_all(const StepCall& call) {
  open(inputs_, call, input_pointers_);
  open(parameters_, call, parameter_pointers_);
  open(extra_, call, extra_pointers_);
  open(input_gradients_, call, input_gradient_pointers_);
  open(parameter_gradients_, call, parameter_gradient_pointers_);
  arguments_.output = reinterpret_cast<float*>(opened(output_, call));
  arguments_.scratch = scratch_.in(call.bases);
  arguments_.output_gradient = reinterpret_cast<const float*>(opened(output_gradient_, call));
}

void LayerPass::close_all(const StepCall& call) const {
  for (const auto* written : {&extra_, &input_gradients_, &parameter_gradients_})
    for (const Operand& operand : *written) close(operand, call);
  close(output_, call);
}

void LayerPass::run(const StepCall& call) {
  open_all(call);
  arguments_.iteration = call.iteration;
  arguments_.first_sample = call.first_sample + sample_part_ * arguments_.batch;
  for (const std::optional<OutputRectangle>& rectangle : rectangles_) {
    arguments_.rectangle = rectangle;
    kernel_(arguments_);
  }
  close_all(call);
}

}  // namespace tandem

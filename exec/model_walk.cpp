#include "exec/model_walk.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/random.hpp"

namespace tandem {

namespace {

std::size_t size_of(const TensorSpec& spec, std::int64_t batch) {
  return static_cast<std::size_t>(spec.elements(batch));
}

void set_zero(ModelWalk::Values& values) { std::ranges::fill(values, 0.0); }

}  // namespace

/// The lists that a KernelArguments only points into.
struct ModelWalk::Call {
  Call(ModelWalk& walk, const Layer& layer);

  std::vector<const void*> inputs;
  std::vector<const double*> parameters;
  std::vector<double*> extra, input_gradients, parameter_gradients;
  std::unique_ptr<bool[]> accumulate;
};

ModelWalk::Call::Call(ModelWalk& walk, const Layer& layer) : accumulate(std::make_unique<bool[]>(layer.inputs.size())) {
  std::fill_n(accumulate.get(), layer.inputs.size(), true);
  for (const LayerId input : layer.inputs) {
    double* const gradient = walk.tensors_[index_of(input)].output_gradient.data();
    inputs.push_back(walk.value_of(input));
    input_gradients.push_back(walk.wants_gradient(input) ? gradient : nullptr);
  }
  for (const ParameterId parameter : layer.parameters) {
    parameters.push_back(walk.weight_of(parameter));
    parameter_gradients.push_back(walk.gradients[walk.owner_of(parameter)].data());
  }
}

ModelWalk::ModelWalk(const Model& model, std::int64_t batch)
    : weights(model.parameters().size()),
      gradients(weights.size()),
      model_(model),
      batch_(batch),
      tensors_(model.layer_count()) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Layer& layer = model.layers()[i];
    const auto count = size_of(layer.output, batch);
    if (!is_real(layer.output.type)) {
      tensors_[i].tokens.resize(count);
      continue;
    }
    tensors_[i].output.resize(count);
    tensors_[i].output_gradient.resize(count);
    for (const auto& spec : layer.kept.extra) tensors_[i].extra.emplace_back(size_of(spec, batch));
  }
}

void ModelWalk::start_weights(std::uint64_t seed) {
  seed_ = seed;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    const auto id = static_cast<ParameterId>(i);
    if (model_.parameter(id).tied_to) continue;
    weights[i].resize(static_cast<std::size_t>(model_.parameter(id).spec.elements()));
    gradients[i].resize(weights[i].size());
    for (std::size_t at = 0; at < weights[i].size(); ++at) {
      weights[i][at] = static_cast<double>(initial_value(model_, id, seed, static_cast<std::int64_t>(at)));
    }
  }
}

void ModelWalk::zero_gradients() { std::ranges::for_each(gradients, set_zero); }

void ModelWalk::load(const Dataset& dataset, std::int64_t iteration, std::int64_t first) {
  iteration_ = iteration;
  first_sample_ = first;
  for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
    if (model_.layers()[i].kind->inputs > 0) continue;
    auto& [output, gradient, tokens, extra] = tensors_[i];
    std::vector<float> values(output.size());
    void* const out = tokens.empty() ? static_cast<void*>(values.data()) : static_cast<void*>(tokens.data());
    dataset.fill(static_cast<LayerId>(i), iteration, first, batch_, out);
    std::ranges::copy(values, output.begin());
  }
}

const void* ModelWalk::value_of(LayerId id) const {
  const auto& [output, gradient, tokens, extra] = tensors_[index_of(id)];
  return tokens.empty() ? static_cast<const void*>(output.data()) : static_cast<const void*>(tokens.data());
}

bool ModelWalk::wants_gradient(LayerId id) const {
  const bool real = is_real(model_.layer(id).output.type);
  return real && (model_.needs_gradient(id) || !model_.layer(id).parameters.empty());
}

std::size_t ModelWalk::owner_of(ParameterId id) const { return index_of(model_.parameter(id).tied_to.value_or(id)); }

const double* ModelWalk::weight_of(ParameterId id) const {
  return read_instead.empty() ? weights[owner_of(id)].data() : read_instead[index_of(id)];
}

void ModelWalk::run(LayerId id, Pass pass, double seed) {
  const Layer& layer = model_.layer(id);
  const KernelRow<double>& row = find_kernels(reference_kernels<double>(), layer.kind->name);
  const Kernel<double> kernel = row.of(pass);
  invariant(kernel != nullptr, "a layer has a kernel for every pass that it needs");
  const auto specs = model_.input_specs(id);
  auto& [output, output_gradient, tokens, extra] = tensors_[index_of(id)];
  Call call(*this, layer);
  for (auto& values : extra) call.extra.push_back(values.data());
  const KernelArguments<double> arguments{.attributes = &layer.attributes,
                                          .input_specs = specs,
                                          .output_spec = &layer.output,
                                          .batch = batch_,
                                          .seed_of_masks = seed_,
                                          .layer_key = stream_of(layer.name),
                                          .iteration = iteration_,
                                          .first_sample = first_sample_,
                                          .inputs = call.inputs,
                                          .parameters = call.parameters,
                                          .output = output.data(),
                                          .extra = call.extra,
                                          .output_gradient = output_gradient.data(),
                                          .seed = seed,
                                          .input_gradients = call.input_gradients,
                                          .accumulate = {call.accumulate.get(), layer.inputs.size()},
                                          .parameter_gradients = call.parameter_gradients};
  kernel(arguments);
  if (pass == Pass::forward && row.turn != nullptr && !margins.empty()) turned += row.turn(arguments, margin_of(id));
}

double ModelWalk::margin_of(LayerId id) const {
  double largest = 0;
  for (const double value : tensors_[index_of(model_.layer(id).inputs[0])].output)
    largest = std::max(largest, std::abs(value));
  return margins[index_of(id)] * largest;
}

double ModelWalk::forward() {
  for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
    if (model_.layers()[i].kind->inputs > 0) run(static_cast<LayerId>(i), Pass::forward, 1);
  }
  return tensors_.back().output[0];
}

void ModelWalk::backward(double seed) {
  for (auto& tensors : tensors_) set_zero(tensors.output_gradient);
  for (auto i = static_cast<std::uint32_t>(tensors_.size()); i-- > 0;) {
    const auto id = static_cast<LayerId>(i);
    if (model_.needs_gradient(id)) run(id, Pass::input_gradient, seed);
    if (!model_.layer(id).parameters.empty()) run(id, Pass::weight_gradient, seed);
  }
}

}  // namespace tandem

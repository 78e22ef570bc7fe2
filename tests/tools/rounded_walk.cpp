#include "tests/tools/rounded_walk.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "exec/kernel.hpp"

namespace tandem {
namespace {

using Values = AlignedValues<double>;

/// Every tensor of the model with its gradient.
class Walk {
 public:
  std::vector<Values> gradients;  ///< of the loss; by ParameterId, empty for a tied use

  Walk(const Model& model, std::int64_t batch, const std::vector<std::vector<double>>& weights)
      : gradients(weights.size()), model_(model), batch_(batch), tensors_(model.layer_count()) {
    for (const auto& weight : weights) {
      weights_.emplace_back(weight.begin(), weight.end());
      gradients[weights_.size() - 1].resize(weight.size());
    }
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const Layer& layer = model.layers()[i];
      const auto count = static_cast<std::size_t>(layer.output.elements(batch));
      if (layer.output.type == ElementType::int32) tensors_[i].tokens.resize(count);
      else tensors_[i].output.resize(count);
      tensors_[i].gradient.resize(tensors_[i].output.size());
      for (const TensorSpec& spec : layer.kept.extra)
        tensors_[i].extra.emplace_back(static_cast<std::size_t>(spec.elements(batch)));
    }
  }

  void load(const Dataset& dataset, std::int64_t iteration, std::int64_t first) {
    for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
      if (model_.layers()[i].kind->inputs > 0) continue;
      Tensors& at = tensors_[i];
      std::vector<float> values(at.output.size());
      void* const out = at.tokens.empty() ? static_cast<void*>(values.data()) : static_cast<void*>(at.tokens.data());
      dataset.fill(static_cast<LayerId>(i), iteration, first, batch_, out);
      std::copy(values.begin(), values.end(), at.output.begin());
    }
  }
  double forward() {
    for (std::uint32_t i = 0; i < tensors_.size(); ++i)
      if (model_.layers()[i].kind->inputs > 0) run(i, Pass::forward);
    return tensors_.back().output[0];
  }
  void backward() {
    for (auto i = static_cast<std::uint32_t>(tensors_.size()); i-- > 0;) {
      if (model_.needs_gradient(static_cast<LayerId>(i))) run(i, Pass::input_gradient);
      if (!model_.layers()[i].parameters.empty()) run(i, Pass::weight_gradient);
    }
  }
  double rounding() const {
    constexpr double kDeviations = 6;
    double squares = 0;
    for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
      if (model_.layers()[i].kind->inputs == 0) continue;
      const std::vector<double> errors = local_errors(walked(i));
      const bool is_loss = i + 1 == tensors_.size();
      for (std::size_t at = 0; at < errors.size(); ++at)
        squares += std::pow((is_loss ? 1 : tensors_[i].gradient[at]) * errors[at], 2);
    }
    return kDeviations * std::sqrt(squares);
  }

 private:
  struct Tensors {
    Values output, gradient;
    AlignedValues<std::int32_t> tokens;
    std::vector<Values> extra;
  };

  std::size_t owner_of(ParameterId id) const { return index_of(model_.parameter(id).tied_to.value_or(id)); }
  bool wants_gradient(LayerId id) const {
    return tensors_[index_of(id)].tokens.empty() &&
           (model_.needs_gradient(id) || !model_.layer(id).parameters.empty());
  }
  WalkedLayer walked(std::uint32_t index) const {
    const Layer& layer = model_.layers()[index];
    WalkedLayer result{model_, layer, batch_, {}, tensors_[index].output, {}};
    for (const LayerId input : layer.inputs) {
      const Tensors& from = tensors_[index_of(input)];
      result.inputs.push_back(from.tokens.empty() ? from.output.data() : nullptr);
    }
    for (const ParameterId parameter : layer.parameters) result.parameters.push_back(&weights_[owner_of(parameter)]);
    return result;
  }
  void run(std::uint32_t index, Pass pass);

  const Model& model_;
  std::int64_t batch_;
  std::vector<Tensors> tensors_;
  std::vector<Values> weights_;
};

void Walk::run(std::uint32_t index, Pass pass) {
  const Layer& layer = model_.layers()[index];
  Tensors& at = tensors_[index];
  std::vector<const void*> inputs;
  std::vector<double*> input_gradients, extra, parameter_gradients;
  std::vector<const double*> parameters;
  const auto accumulate = std::make_unique<bool[]>(layer.inputs.size());
  std::fill_n(accumulate.get(), layer.inputs.size(), true);
  for (const LayerId input : layer.inputs) {
    Tensors& from = tensors_[index_of(input)];
    inputs.push_back(from.tokens.empty() ? static_cast<const void*>(from.output.data()) : from.tokens.data());
    input_gradients.push_back(wants_gradient(input) ? from.gradient.data() : nullptr);
  }
  for (const ParameterId parameter : layer.parameters) {
    parameters.push_back(weights_[owner_of(parameter)].data());
    parameter_gradients.push_back(gradients[owner_of(parameter)].data());
  }
  for (Values& values : at.extra) extra.push_back(values.data());
  const auto specs = model_.input_specs(static_cast<LayerId>(index));
  KernelArguments<double> arguments;
  arguments.attributes = &layer.attributes;
  arguments.input_specs = specs;
  arguments.output_spec = &layer.output;
  arguments.batch = batch_;
  arguments.inputs = inputs;
  arguments.parameters = parameters;
  arguments.output = at.output.data();
  arguments.extra = extra;
  arguments.output_gradient = at.gradient.data();
  arguments.input_gradients = input_gradients;
  arguments.accumulate = {accumulate.get(), inputs.size()};
  arguments.parameter_gradients = parameter_gradients;
  find_kernels(reference_kernels<double>(), layer.kind->name).of(pass)(arguments);
}

}  // namespace

RoundedLoss rounded_loss(const Model& model, const Dataset& dataset, const std::vector<std::vector<double>>& weights,
                         std::int64_t iteration, std::int64_t first, std::int64_t batch) {
  Walk walk(model, batch, weights);
  walk.load(dataset, iteration, first);
  RoundedLoss result;
  result.loss = walk.forward();
  walk.backward();
  result.rounding = walk.rounding();
  result.gradients = std::move(walk.gradients);
  return result;
}

}  // namespace tandem

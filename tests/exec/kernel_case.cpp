#include "tests/exec/kernel_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.hpp"
#include "base/random.hpp"

namespace tandem {

namespace {

constexpr std::size_t kFence = 32;

template <class Value>
Value fence() {
  if constexpr (std::is_floating_point_v<Value>) return Value(-12345);
  return Value(77);
}

template <class Value>
Value unset() {
  if constexpr (std::is_floating_point_v<Value>) return std::numeric_limits<Value>::quiet_NaN();
  return Value(88);
}

template <class Real>
void draw(Tensor<Real>& values, std::uint64_t seed, std::string_view name) {
  for (std::size_t at = 0; at < values.size(); ++at)
    values[at] = static_cast<Real>(normal_at(seed, stream_of(name), at));
}

/// Makes random values [parts, 3, channels] moments: squares and counts above zero.
template <class Real>
void hold_moments(Tensor<Real>& values, std::int64_t channels) {
  for (std::size_t at = 0; at < values.size(); ++at) {
    const bool is_mean = static_cast<std::int64_t>(at) / channels % 3 == 0;
    if (!is_mean) values[at] = 1 + std::abs(values[at]);
  }
}

/// A bound that every kind's tokens respect.
std::uint64_t token_bound(const Scene& scene) {
  for (const auto& [name, value] : scene.attributes) {
    if (name == "vocabulary") return static_cast<std::uint64_t>(value);
  }
  return static_cast<std::uint64_t>(scene.inputs[0].columns());
}

}  // namespace

std::string Scene::name() const {
  std::string text = fmt::format("{} of {} samples", kind, batch);
  for (const auto& input : inputs) text += fmt::format(", input {}", shape_text(input.dims));
  for (const auto& [attribute, value] : attributes) text += fmt::format(", {} {}", attribute, value);
  return text;
}

/// Those that the scene does not name have their fallbacks.
Attributes with_defaults(const Scene& scene) {
  Attributes all{scene.attributes};
  for (const AttributeSpec& spec : find_layer_kind(scene.kind).attributes) {
    const bool named = std::ranges::any_of(all.values, [&](const auto& value) { return value.name == spec.name; });
    if (!named && spec.fallback) all.values.push_back({std::string(spec.name), *spec.fallback});
  }
  return all;
}

template <class Value>
Tensor<Value>::Tensor(std::int64_t count)
    : size_(static_cast<std::size_t>(count)),
      values_(static_cast<Value*>(::operator new[]((size_ + kFence) * sizeof(Value), std::align_val_t{64}))) {
  std::uninitialized_fill_n(data(), size_, unset<Value>());
  std::uninitialized_fill_n(data() + size_, kFence, fence<Value>());
}

template <class Value>
void Tensor<Value>::set(std::initializer_list<Value> values) {
  invariant(values.size() == size_, "a tensor is set to as many values as it has");
  std::ranges::copy(values, begin());
}

template <class Value>
bool Tensor<Value>::fence_stands() const {
  return std::all_of(end(), end() + kFence, [](Value value) { return value == fence<Value>(); });
}

template <class Real>
KernelCase<Real>::KernelCase(Scene given, std::uint64_t seed)
    : scene(std::move(given)),
      attributes(with_defaults(scene)),
      kind(find_layer_kind(scene.kind)),
      output_spec(kind.output(attributes, scene.inputs)),
      kept(kind.kept(attributes, scene.inputs, output_spec)),
      output(output_spec.elements(scene.batch)),
      output_gradient(output_spec.elements(scene.batch)),
      scratch_(std::max({scratch_bytes(Pass::forward), scratch_bytes(Pass::input_gradient),
                         scratch_bytes(Pass::weight_gradient)})) {
  for (std::size_t i = 0; i < scene.inputs.size(); ++i) {
    const bool real = scene.inputs[i].type == ElementType::float32;
    const auto count = scene.inputs[i].elements(scene.batch);
    inputs.emplace_back(real ? count : 0);
    input_gradients.emplace_back(real ? count : 0);
    tokens.emplace_back(real ? 0 : count);
    draw(inputs.back(), seed, "input " + std::to_string(i));
    if (!scene.inputs[i].per_sample) hold_moments(inputs.back(), scene.inputs[i].columns());
    for (std::size_t at = 0; at < tokens.back().size(); ++at) {
      tokens.back()[at] = static_cast<std::int32_t>(below_at(seed, stream_of("tokens"), at, token_bound(scene)));
    }
  }
  for (const auto& spec : kind.parameters(attributes, scene.inputs)) {
    parameters.emplace_back(spec.elements());
    draw(parameters.back(), seed, spec.name);
    std::ranges::fill(parameter_gradients.emplace_back(spec.elements()), Real(0));
  }
  for (const auto& spec : kept.extra) extra.emplace_back(spec.elements(scene.batch));
  draw(output_gradient, seed, "output gradient");
}

template <class Real>
bool KernelCase<Real>::has_pass(Pass pass) const {
  if (pass == Pass::input_gradient) return scene.inputs[0].type == ElementType::float32 && !kind.is_constant;
  return pass == Pass::forward || !parameters.empty();
}

template <class Real>
const void* KernelCase<Real>::input_pointer(std::size_t index) const {
  const bool real = scene.inputs[index].type == ElementType::float32;
  return real ? static_cast<const void*>(inputs[index].data()) : static_cast<const void*>(tokens[index].data());
}

template <class Real>
std::int64_t KernelCase<Real>::scratch_bytes(Pass pass) const {
  const LayerContext context{attributes, scene.inputs, output_spec, scene.batch};
  return kind.scratch == nullptr ? 0 : kind.scratch(context, pass).count;
}

/// A loss of statistics is a function of the scores only where the statistics are theirs.
template <class Real>
void KernelCase<Real>::hold_statistics() {
  const auto parts = static_cast<double>(scene.inputs[1].dims[0]);
  KernelCase statistics(
      {"vocabulary_statistics", {{"parts", parts}}, {scene.inputs[0], scene.inputs[2]}, scene.batch});
  std::ranges::copy(inputs[0], statistics.inputs[0].begin());
  std::ranges::copy(tokens[2], statistics.tokens[1].begin());
  statistics.run(find_kernels(reference_kernels<Real>(), statistics.scene.kind), Pass::forward);
  std::ranges::copy(statistics.output, inputs[1].begin());
}

template <class Real>
std::size_t KernelCase<Real>::inputs_with_gradient() const {
  if (kind.is_constant) return 0;
  return kind.is_loss ? 1 : inputs.size();
}

template <class Real>
void KernelCase<Real>::run(const KernelRow<Real>& row, Pass pass) {
  const bool forward = pass == Pass::forward;
  if (forward && scene.kind == "cross_entropy_from_statistics") hold_statistics();
  std::vector<const void*> input_pointers;
  std::vector<const Real*> parameter_pointers;
  std::vector<Real*> extra_pointers, gradient_pointers, parameter_gradient_pointers;
  const auto adds = std::make_unique<bool[]>(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool due = scene.inputs[i].type == ElementType::float32 && !(kind.is_loss && i > 0);
    input_pointers.push_back(forward || kept.reads_input(i, pass) ? input_pointer(i) : nullptr);
    gradient_pointers.push_back(due ? input_gradients[i].data() : nullptr);
    adds[i] = accumulate;
  }
  for (auto& values : parameters) parameter_pointers.push_back(values.data());
  for (auto& values : extra) extra_pointers.push_back(values.data());
  for (auto& values : parameter_gradients) parameter_gradient_pointers.push_back(values.data());
  row.of(pass)({.attributes = &attributes,
                .input_specs = scene.inputs,
                .output_spec = &output_spec,
                .batch = scene.batch,
                .origins = origins ? &*origins : nullptr,
                .seed_of_masks = 11,
                .layer_key = layer_key,
                .iteration = iteration,
                .first_sample = first_sample,
                .inputs = input_pointers,
                .parameters = parameter_pointers,
                .output = forward || kept.output ? output.data() : nullptr,
                .extra = extra_pointers,
                .scratch = scratch_bytes(pass) > 0 ? scratch_.data() : nullptr,
                .rectangle = forward ? rectangle : std::nullopt,
                .output_gradient = forward || kind.is_loss ? nullptr : output_gradient.data(),
                .seed = seed_of_loss,
                .input_gradients = gradient_pointers,
                .accumulate = {adds.get(), inputs.size()},
                .parameter_gradients = parameter_gradient_pointers});
}

template <class Real>
void KernelCase<Real>::run_all(const KernelRow<Real>& row) {
  for (const auto pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
    if (has_pass(pass)) run(row, pass);
  }
}

template <class Real>
std::vector<const Tensor<Real>*> KernelCase<Real>::results() const {
  std::vector<const Tensor<Real>*> all{&output};
  for (std::size_t i = 0; i < extra.size(); ++i)
    if (kept.extra[i].type == ElementType::float32) all.push_back(&extra[i]);
  for (std::size_t i = 0; i < inputs_with_gradient(); ++i) all.push_back(&input_gradients[i]);
  for (const auto& values : parameter_gradients) all.push_back(&values);
  return all;
}

template <class Real>
bool KernelCase<Real>::fences_stand() const {
  return scratch_.fence_stands() &&
         std::ranges::all_of(results(), [](const Tensor<Real>* values) { return values->fence_stands(); });
}

template <class First, class Second>
double distance(const Tensor<First>& a, const Tensor<Second>& b) {
  double apart = 0, largest = 0;
  for (std::size_t at = 0; at < b.size(); ++at) {
    const double difference = std::abs(static_cast<double>(a[at]) - static_cast<double>(b[at]));
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    apart = std::max(apart, difference);
    largest = std::max(largest, std::abs(static_cast<double>(b[at])));
  }
  return apart == 0 ? 0 : apart / largest;
}

template class Tensor<float>;
template class Tensor<double>;
template class Tensor<std::int32_t>;
template class KernelCase<float>;
template class KernelCase<double>;
template double distance(const Tensor<float>&, const Tensor<float>&);
template double distance(const Tensor<float>&, const Tensor<double>&);
template double distance(const Tensor<double>&, const Tensor<double>&);

}  // namespace tandem

// What two models or two kernels have in common: the fingerprint of a graph and the signature of a kernel.

#include <iterator>

#include <fmt/format.h>

#include "base/random.hpp"
#include "models/model.hpp"

namespace tandem {

namespace {

void describe(const Model& model, const Layer& layer, fmt::memory_buffer& text) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}", layer.kind->name);
  for (const auto& [name, value] : layer.attributes.values) fmt::format_to(out, " {}={}", name, value);
  for (const auto input : layer.inputs) fmt::format_to(out, " <{}", index_of(input));
  for (const auto id : layer.parameters) {
    const auto owner = model.parameter(id).tied_to;
    if (owner) fmt::format_to(out, " {}~{}", index_of(id), index_of(*owner));
  }
  fmt::format_to(out, "\n");
}

std::string batched_shape(const TensorSpec& spec, std::int64_t batch) {
  std::vector<std::int64_t> dims = spec.dims;
  if (spec.per_sample) dims.insert(dims.begin(), batch);
  return shape_text(dims);
}

/// What changes the work without showing in a shape, where it is not the default.
std::string hidden_attributes(const Layer& layer) {
  std::string text;
  for (const auto& spec : layer.kind->attributes) {
    const double value = layer.attributes.number(spec.name);
    if (spec.in_signature && value != spec.fallback) text += fmt::format(" {}={}", spec.name, value);
  }
  return text;
}

}  // namespace

std::uint64_t Model::fingerprint() const {
  fmt::memory_buffer text;
  for (const auto& layer : layers_) describe(*this, layer, text);
  return stream_of({text.data(), text.size()});
}

std::string kernel_signature(const Layer& layer, std::span<const TensorSpec> inputs, Pass pass, std::int64_t batch) {
  std::string shapes;
  for (const auto& spec : inputs) shapes += (shapes.empty() ? " " : ", ") + batched_shape(spec, batch);
  return fmt::format("{} {}{} -> {}{}", layer.kind->name, letter_of(pass), shapes, batched_shape(layer.output, batch),
                     hidden_attributes(layer));
}

std::string kernel_signature(const Model& model, LayerId id, Pass pass, std::int64_t batch) {
  return kernel_signature(model.layer(id), model.input_specs(id), pass, model.samples(id, batch));
}

}  // namespace tandem

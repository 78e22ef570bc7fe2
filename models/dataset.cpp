#include "models/dataset.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kByteValues = 256;
constexpr float kNoiseDeviation = 0.1F;
constexpr std::int64_t kMostSamples = std::int64_t{1} << 32;

bool is_source(const Layer& layer) { return layer.kind->inputs == 0; }
bool holds_integers(const Layer& layer) { return is_source(layer) && layer.output.type == ElementType::int32; }
bool holds_class(const Layer& layer) { return holds_integers(layer) && layer.output.dims.empty(); }
bool holds_tokens(const Layer& layer) { return holds_integers(layer) && !holds_class(layer); }
bool holds_images(const Layer& layer) {
  return is_source(layer) && !holds_integers(layer) && !layer.kind->is_target && layer.output.dims.size() == 3;
}

void want_byte_vocabulary(const Model& model) {
  for (const auto& layer : model.layers()) {
    for (const auto& [name, value] : layer.attributes.values) {
      if (name != "vocabulary" || value >= kByteValues) continue;
      throw InputError(fmt::format("layer \"{}\": a text's bytes need a larger vocabulary", layer.name),
                       fmt::format("{}", value), "at least 256");
    }
  }
  const auto& prediction = model.layer(model.layers().back().inputs[0]);
  if (prediction.output.columns() >= kByteValues) return;
  throw InputError(fmt::format("layer \"{}\": predicts too few values for a text's bytes", prediction.name),
                   fmt::format("{}", prediction.output.columns()), "at least 256");
}

void fill_normal(std::uint64_t seed, std::uint64_t stream, std::int64_t sample, std::span<float> out) {
  const auto first = static_cast<std::uint64_t>(sample) * out.size();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = normal_at(seed, stream, first + i);
}

std::uint64_t data_stream(std::string_view purpose, const Layer& source, std::int64_t iteration) {
  return stream_of(fmt::format("{} {}", purpose, source.name)) + static_cast<std::uint64_t>(iteration);
}

}  // namespace

Dataset::Dataset(const Model& model, std::string text, std::uint64_t seed)
    : model_(&model), text_(std::move(text)), seed_(seed), patterns_(model.layer_count()), teachers_(model.layer_count()) {
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    const auto& layer = model.layers()[i];
    if (holds_tokens(layer)) longest_sequence_ = std::max(longest_sequence_, layer.output.elements_per_sample());
    if (holds_class(layer) && !classes_) classes_ = static_cast<LayerId>(i);
    if (holds_class(layer)) check_classes(layer);
    const bool is_input = is_source(layer) && !holds_integers(layer) && !layer.kind->is_target;
    if (is_input && !taught_input_) taught_input_ = static_cast<LayerId>(i);
  }
  if (longest_sequence_ > 0) check_text();
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    const auto& layer = model.layers()[i];
    if (layer.kind->is_target && !holds_integers(layer)) teachers_[i] = make_teacher(layer);
    if (holds_images(layer)) patterns_[i] = ImagePatterns(seed, layer.name, layer.output);
  }
}

void Dataset::check_text() const {
  want_byte_vocabulary(*model_);
  if (static_cast<std::int64_t>(text_.size()) > longest_sequence_) return;
  throw InputError("the text is too short for the model's sequence", fmt::format("{} bytes", text_.size()),
                   fmt::format("at least {} bytes", longest_sequence_ + 1));
}

void Dataset::check_classes(const Layer& targets) const {
  const auto& prediction = model_->layer(model_->layers().back().inputs[0]);
  const auto classes = targets.attributes.integer("classes");
  if (prediction.output.columns() >= classes) return;
  throw InputError(fmt::format("layer \"{}\": predicts too few classes", prediction.name),
                   fmt::format("{}", prediction.output.columns()), fmt::format("at least {}", classes));
}

Teacher Dataset::make_teacher(const Layer& targets) const {
  if (!taught_input_) throw InputError("a model with real-valued targets needs a source of kind values");
  return Teacher(seed_, targets.name, model_->layer(*taught_input_).output.elements_per_sample(),
                 targets.output.elements_per_sample());
}

std::int64_t Dataset::text_start(std::int64_t iteration, std::int64_t sample) const {
  const auto bound = static_cast<std::uint64_t>(static_cast<std::int64_t>(text_.size()) - longest_sequence_);
  const auto stream = stream_of("text position") + static_cast<std::uint64_t>(iteration);
  return static_cast<std::int64_t>(below_at(seed_, stream, static_cast<std::uint64_t>(sample), bound));
}

void Dataset::fill_tokens(std::int64_t start, std::span<std::int32_t> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<unsigned char>(text_[static_cast<std::size_t>(start) + i]);
  }
}

std::int32_t Dataset::class_of(LayerId source, std::int64_t iteration, std::int64_t sample) const {
  const auto& layer = model_->layer(source);
  const auto classes = static_cast<std::uint64_t>(layer.attributes.integer("classes"));
  const auto stream = data_stream("class", layer, iteration);
  return static_cast<std::int32_t>(below_at(seed_, stream, static_cast<std::uint64_t>(sample), classes));
}

void Dataset::fill_inputs(LayerId source, std::int64_t iteration, std::int64_t sample, std::span<float> out) const {
  const auto& layer = model_->layer(source);
  fill_normal(seed_, data_stream("inputs", layer, iteration), sample, out);
  if (classes_ && holds_images(layer)) patterns_[index_of(source)].add(class_of(*classes_, iteration, sample), out);
}

void Dataset::fill_targets(LayerId source, std::int64_t iteration, std::int64_t sample, std::span<float> out) const {
  const auto& teacher = teachers_[index_of(source)];
  std::vector<float> inputs(static_cast<std::size_t>(model_->layer(*taught_input_).output.elements_per_sample()));
  fill_inputs(*taught_input_, iteration, sample, inputs);
  const auto values = teacher.answer(inputs);
  fill_normal(seed_, data_stream("noise", model_->layer(source), iteration), sample, out);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(values[i]) + kNoiseDeviation * out[i];
}

void Dataset::fill(LayerId source, std::int64_t iteration, std::int64_t first, std::int64_t count, void* out) const {
  const auto& layer = model_->layer(source);
  invariant(is_source(layer), "only sources are filled with data");
  invariant(iteration >= 0 && first >= 0 && count >= 0 && first <= kMostSamples - count, "samples are numbered in range");
  const auto size = static_cast<std::size_t>(layer.output.elements_per_sample());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto sample = first + i;
    const auto at = static_cast<std::size_t>(i) * size;
    if (holds_class(layer)) {
      static_cast<std::int32_t*>(out)[i] = class_of(source, iteration, sample);
    } else if (holds_tokens(layer)) {
      const auto start = text_start(iteration, sample) + (layer.kind->is_target ? 1 : 0);
      fill_tokens(start, {static_cast<std::int32_t*>(out) + at, size});
    } else if (layer.kind->is_target) {
      fill_targets(source, iteration, sample, {static_cast<float*>(out) + at, size});
    } else {
      fill_inputs(source, iteration, sample, {static_cast<float*>(out) + at, size});
    }
  }
}

}  // namespace tandem

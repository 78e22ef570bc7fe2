// segment_embedding, image_to_sequence, class_token and first_position, reference.

#include "exec/kernels/segments.hpp"

namespace tandem {

namespace {

template <class Real>
std::int64_t output_elements(const KernelArguments<Real>& arguments) {
  return arguments.output_spec->elements(arguments.batch);
}

/// The place in the weight of value `at` of the output.
template <class Real>
std::int64_t segment_place(const KernelArguments<Real>& arguments, std::int64_t at) {
  const auto columns = arguments.output_spec->columns(), rows = arguments.output_spec->dims[0];
  return segment_of(arguments, at / columns % rows) * columns + at % columns;
}

template <class Real>
void segment_forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    arguments.output[at] = real_input(arguments)[at] + arguments.parameters[0][segment_place(arguments, at)];
  }
}

template <class Real>
void segment_input_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    put(first_gradient(arguments)[at], arguments.accumulate[0], arguments.output_gradient[at]);
  }
}

template <class Real>
void segment_weight_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    arguments.parameter_gradients[0][segment_place(arguments, at)] += arguments.output_gradient[at];
  }
}

/// Where value `at` of the sequence stands in the images.
template <class Real>
std::int64_t image_place(const KernelArguments<Real>& arguments, std::int64_t at) {
  const auto pixels = arguments.output_spec->dims[0], channels = arguments.output_spec->dims[1];
  const auto sample = at / (pixels * channels), pixel = at / channels % pixels, channel = at % channels;
  return (sample * channels + channel) * pixels + pixel;
}

template <class Real>
void sequence_forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    arguments.output[at] = real_input(arguments)[image_place(arguments, at)];
  }
}

template <class Real>
void sequence_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    put(first_gradient(arguments)[image_place(arguments, at)], arguments.accumulate[0], arguments.output_gradient[at]);
  }
}

/// Calls `body(place in the output, place in the token)` or `body(place in the output, place in the input)`.
template <class Real, class OfToken, class OfInput>
void for_each_joined(const KernelArguments<Real>& arguments, OfToken of_token, OfInput of_input) {
  const auto columns = arguments.output_spec->columns(), size = arguments.output_spec->elements_per_sample();
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    const auto sample = at / size, inside = at % size;
    if (inside < columns) of_token(at, inside);
    else of_input(at, sample * (size - columns) + inside - columns);
  }
}

constexpr auto kNothing = [](std::int64_t, std::int64_t) {};

template <class Real>
void token_forward(const KernelArguments<Real>& arguments) {
  for_each_joined(
      arguments, [&](std::int64_t at, std::int64_t from) { arguments.output[at] = arguments.parameters[0][from]; },
      [&](std::int64_t at, std::int64_t from) { arguments.output[at] = real_input(arguments)[from]; });
}

template <class Real>
void token_input_gradient(const KernelArguments<Real>& arguments) {
  for_each_joined(arguments, kNothing, [&](std::int64_t at, std::int64_t to) {
    put(first_gradient(arguments)[to], arguments.accumulate[0], arguments.output_gradient[at]);
  });
}

template <class Real>
void token_weight_gradient(const KernelArguments<Real>& arguments) {
  for_each_joined(
      arguments,
      [&](std::int64_t at, std::int64_t to) { arguments.parameter_gradients[0][to] += arguments.output_gradient[at]; },
      kNothing);
}

template <class Real>
void first_forward(const KernelArguments<Real>& arguments) {
  const auto columns = arguments.output_spec->columns(), size = arguments.input_specs[0].elements_per_sample();
  for (std::int64_t at = 0; at < output_elements(arguments); ++at) {
    arguments.output[at] = real_input(arguments)[at / columns * size + at % columns];
  }
}

template <class Real>
void first_input_gradient(const KernelArguments<Real>& arguments) {
  const auto columns = arguments.output_spec->columns(), size = arguments.input_specs[0].elements_per_sample();
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const bool is_first = at % size < columns;
    const Real slope = is_first ? arguments.output_gradient[at / size * columns + at % size] : 0;
    put(first_gradient(arguments)[at], arguments.accumulate[0], slope);
  }
}

}  // namespace

template <class Real>
KernelRow<Real> segment_embedding_reference() {
  return {"segment_embedding", segment_forward<Real>, segment_input_gradient<Real>, segment_weight_gradient<Real>};
}

template <class Real>
KernelRow<Real> image_to_sequence_reference() {
  return {"image_to_sequence", sequence_forward<Real>, sequence_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> class_token_reference() {
  return {"class_token", token_forward<Real>, token_input_gradient<Real>, token_weight_gradient<Real>};
}

template <class Real>
KernelRow<Real> first_position_reference() {
  return {"first_position", first_forward<Real>, first_input_gradient<Real>, nullptr};
}

template KernelRow<float> segment_embedding_reference<float>();
template KernelRow<double> segment_embedding_reference<double>();
template KernelRow<float> image_to_sequence_reference<float>();
template KernelRow<double> image_to_sequence_reference<double>();
template KernelRow<float> class_token_reference<float>();
template KernelRow<double> class_token_reference<double>();
template KernelRow<float> first_position_reference<float>();
template KernelRow<double> first_position_reference<double>();

}  // namespace tandem

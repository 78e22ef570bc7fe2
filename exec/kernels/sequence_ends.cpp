// segment_embedding, image_to_sequence, class_token and first_position, fast: rows added, moved and copied.

#include <algorithm>

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/segments.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

void segment_forward(const Arguments& arguments) {
  const auto rows = arguments.output_spec->dims[0], columns = arguments.output_spec->columns();
  for (std::int64_t row = 0; row < arguments.batch * rows; ++row) {
    const ConstRow weight(arguments.parameters[0] + segment_of(arguments, row % rows) * columns, columns);
    Row(arguments.output + row * columns, columns) = ConstRow(real_input(arguments) + row * columns, columns) + weight;
  }
}

void segment_input_gradient(const Arguments& arguments) {
  const auto count = input_elements(arguments);
  Values dx(first_gradient(arguments), count);
  store(dx, arguments.accumulate[0], ConstValues(arguments.output_gradient, count));
}

void segment_weight_gradient(const Arguments& arguments) {
  const auto rows = arguments.output_spec->dims[0], columns = arguments.output_spec->columns();
  for (std::int64_t row = 0; row < arguments.batch * rows; ++row) {
    Row(arguments.parameter_gradients[0] + segment_of(arguments, row % rows) * columns, columns) +=
        ConstRow(arguments.output_gradient + row * columns, columns);
  }
}

using Picture = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Writes or adds the transpose of each sample's rows x columns.
void transpose_each(const float* from, std::int64_t batch, std::int64_t rows, std::int64_t columns, bool accumulate,
                    float* to) {
  for (std::int64_t at = 0; at < batch * rows * columns; at += rows * columns) {
    const Eigen::Map<const Picture> source(from + at, rows, columns);
    Eigen::Map<Picture> target(to + at, columns, rows);
    store(target, accumulate, source.transpose());
  }
}

void sequence_forward(const Arguments& arguments) {
  const auto& dims = arguments.output_spec->dims;  // [pixels, channels]
  transpose_each(real_input(arguments), arguments.batch, dims[1], dims[0], false, arguments.output);
}

void sequence_gradient(const Arguments& arguments) {
  const auto& dims = arguments.output_spec->dims;
  transpose_each(arguments.output_gradient, arguments.batch, dims[0], dims[1], arguments.accumulate[0],
                 first_gradient(arguments));
}

void token_forward(const Arguments& arguments) {
  const auto columns = arguments.output_spec->columns(), given = arguments.input_specs[0].elements_per_sample();
  float* y = arguments.output;
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    y = std::copy_n(arguments.parameters[0], columns, y);
    y = std::copy_n(real_input(arguments) + sample * given, given, y);
  }
}

void token_input_gradient(const Arguments& arguments) {
  const auto columns = arguments.output_spec->columns(), given = arguments.input_specs[0].elements_per_sample();
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    Row dx(first_gradient(arguments) + sample * given, given);
    store(dx, arguments.accumulate[0],
          ConstRow(arguments.output_gradient + sample * (given + columns) + columns, given));
  }
}

void token_weight_gradient(const Arguments& arguments) {
  const auto columns = arguments.output_spec->columns(), size = arguments.output_spec->elements_per_sample();
  Values sum(arguments.parameter_gradients[0], columns);
  for (std::int64_t at = 0; at < arguments.batch * size; at += size) {
    sum += ConstRow(arguments.output_gradient + at, columns);
  }
}

void first_forward(const Arguments& arguments) {
  const auto columns = arguments.output_spec->columns(), size = arguments.input_specs[0].elements_per_sample();
  float* y = arguments.output;
  for (std::int64_t at = 0; at < arguments.batch * size; at += size) {
    y = std::copy_n(real_input(arguments) + at, columns, y);
  }
}

void first_gradient_back(const Arguments& arguments) {
  const auto columns = arguments.output_spec->columns(), size = arguments.input_specs[0].elements_per_sample();
  float* const dx = first_gradient(arguments);
  if (!arguments.accumulate[0]) std::fill_n(dx, arguments.batch * size, 0.0F);
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    Row(dx + sample * size, columns) += ConstRow(arguments.output_gradient + sample * columns, columns);
  }
}

}  // namespace

KernelRow<float> segment_embedding_kernels() {
  return {"segment_embedding", segment_forward, segment_input_gradient, segment_weight_gradient};
}
KernelRow<float> image_to_sequence_kernels() {
  return {"image_to_sequence", sequence_forward, sequence_gradient, nullptr};
}
KernelRow<float> class_token_kernels() {
  return {"class_token", token_forward, token_input_gradient, token_weight_gradient};
}
KernelRow<float> first_position_kernels() { return {"first_position", first_forward, first_gradient_back, nullptr}; }

}  // namespace tandem

// What one layer rounds, by kind; see rounded_walk.hpp. Each counts a few operations too many.

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "exec/kernel.hpp"
#include "tests/tools/rounded_walk.hpp"

namespace tandem {
namespace {

constexpr double kUnit = 0x1p-24;
/// Of a function of the library, beside its own rounding: tanh of vectors is a rational approximation.
constexpr double kFunction = 8 * kUnit;

/// Of so many roundings, each of a value no larger than 1.
double roundings(std::int64_t count) { return std::sqrt(static_cast<double>(count)) * kUnit; }

double largest(const double* values, std::int64_t count) {
  double most = 0;
  for (std::int64_t i = 0; i < count; ++i) most = std::max(most, std::abs(values[i]));
  return most;
}

std::int64_t size_of_input(const WalkedLayer& at, std::size_t input) {
  return at.model.layer(at.layer.inputs[input]).output.elements(at.batch);
}

/// The layer itself over magnitudes: what its sums of products add up to without signs.
std::vector<double> magnitudes(const WalkedLayer& at) {
  std::vector<AlignedValues<double>> values;
  std::vector<const void*> inputs;
  std::vector<const double*> parameters;
  values.reserve(at.inputs.size() + at.parameters.size());
  const auto absolute = [&](const double* data, std::int64_t count) {
    AlignedValues<double>& copy = values.emplace_back(data, data + count);
    for (double& value : copy) value = std::abs(value);
    return copy.data();
  };
  for (std::size_t i = 0; i < at.inputs.size(); ++i) inputs.push_back(absolute(at.inputs[i], size_of_input(at, i)));
  for (const auto* parameter : at.parameters) parameters.push_back(absolute(parameter->data(), std::ssize(*parameter)));
  AlignedValues<double> output(at.output.size());
  std::vector<TensorSpec> specs;
  for (const LayerId input : at.layer.inputs) specs.push_back(at.model.layer(input).output);
  KernelArguments<double> arguments;
  arguments.attributes = &at.layer.attributes;
  arguments.input_specs = specs;
  arguments.output_spec = &at.layer.output;
  arguments.batch = at.batch;
  arguments.inputs = inputs;
  arguments.parameters = parameters;
  arguments.output = output.data();
  find_kernels(reference_kernels<double>(), at.layer.kind->name).forward(arguments);
  return {output.begin(), output.end()};
}

std::vector<double> nothing(const WalkedLayer& at) { return std::vector<double>(at.output.size(), 0.0); }

/// Each output value is a sum of this many products.
std::vector<double> sums_of_products(const WalkedLayer& at, std::int64_t terms) {
  std::vector<double> errors = magnitudes(at);
  for (double& error : errors) error *= roundings(terms);
  return errors;
}

std::vector<double> linear(const WalkedLayer& at) {
  return sums_of_products(at, at.model.layer(at.layer.inputs[0]).output.columns() + 1);
}
std::vector<double> convolution(const WalkedLayer& at) {
  return sums_of_products(at, std::ssize(*at.parameters[0]) / at.layer.attributes.integer("channels") + 1);
}
std::vector<double> sum_of_two(const WalkedLayer& at) { return sums_of_products(at, 1); }
std::vector<double> mean_of_image(const WalkedLayer& at) {
  return sums_of_products(at, size_of_input(at, 0) / std::ssize(at.output) + 1);
}

/// y = scale z + shift, z = (x - mean) / sigma over n values, m their mean magnitude. The mean errs by roundings(n) m,
/// so x - mean by roundings(n + 1) (m + |x|); the mean square, and with it sigma, relatively by roundings(n + 2) (1 + 2
/// m / sigma).
double norm_error(std::int64_t n, double m, double sigma, double x, double mean, double scale, double shift) {
  const double z = (x - mean) / sigma;
  const double of_difference = roundings(n + 1) * (m + std::abs(x)) / sigma;
  const double error = of_difference + std::abs(z) * roundings(n + 8) * (1 + 2 * m / sigma);
  return std::abs(scale) * error + roundings(3) * (std::abs(scale * z) + std::abs(shift));
}

/// The statistics of `count` values, `place(i)` the index of each, and the errors of what is normalised by them.
template <class Place>
void norm_group(const WalkedLayer& at, std::int64_t count, Place place, bool centred,
                std::vector<double>& errors, std::int64_t scale_of_first, std::int64_t scale_step) {
  const double* x = at.inputs[0];
  const auto n = static_cast<double>(count);
  double sum = 0, magnitude = 0, square = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += x[place(i)], magnitude += std::abs(x[place(i)]);
  const double mean = centred ? sum / n : 0;
  for (std::int64_t i = 0; i < count; ++i) square += (x[place(i)] - mean) * (x[place(i)] - mean);
  const double sigma = std::sqrt(square / n + at.layer.attributes.number("epsilon"));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto entry = static_cast<std::size_t>(scale_of_first + i * scale_step);
    const double shift = at.parameters.size() > 1 ? (*at.parameters[1])[entry] : 0;
    errors[static_cast<std::size_t>(place(i))] =
        norm_error(count, magnitude / n, sigma, x[place(i)], mean, (*at.parameters[0])[entry], shift);
  }
}

std::vector<double> norm_of_rows(const WalkedLayer& at) {
  std::vector<double> errors(at.output.size());
  const std::int64_t columns = at.layer.output.columns();
  for (std::int64_t row = 0; row < at.layer.output.rows(at.batch); ++row)
    norm_group(at, columns, [&](std::int64_t i) { return row * columns + i; }, at.layer.kind->name == "layer_norm",
               errors, 0, 1);
  return errors;
}

std::vector<double> norm_of_channels(const WalkedLayer& at) {
  std::vector<double> errors(at.output.size());
  const std::int64_t channels = at.layer.output.dims[0], plane = at.layer.output.elements_per_sample() / channels;
  for (std::int64_t channel = 0; channel < channels; ++channel)
    norm_group(at, at.batch * plane,
               [&](std::int64_t i) { return (i / plane * channels + channel) * plane + i % plane; }, true, errors,
               channel, 0);
  return errors;
}

/// gelu: |y| <= |x|, and tanh's argument, a polynomial of three rounded products, has a bounded effect: |x| (1 - t^2)
/// <= 1.
std::vector<double> gelu(const WalkedLayer& at) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < at.output.size(); ++i)
    errors.push_back((kFunction + roundings(8)) * (1 + std::abs(at.inputs[0][i])));
  return errors;
}
/// x sigmoid(x) gate: two factors and an exponential.
std::vector<double> swiglu(const WalkedLayer& at) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < at.output.size(); ++i)
    errors.push_back((kFunction + roundings(8)) * (1 + std::abs(at.inputs[0][i])) * (1 + std::abs(at.inputs[1][i])));
  return errors;
}

/// Two products of a value and a cosine or a sine. The angle of a position rounds with its size.
std::vector<double> rotary(const WalkedLayer& at) {
  const double angle = static_cast<double>(at.layer.output.dims[0]);
  const double most = largest(at.inputs[0], std::ssize(at.output));
  const double error = (roundings(3) + kFunction + 2 * kUnit * angle) * 2 * most;
  return std::vector<double>(at.output.size(), error);
}

/// A score q k / sqrt(d) errs by e = roundings(d + 3) sqrt(d) max|q| max|k|, a weight of the softmax relatively by 2 e
/// and the rounding of a sum of s exponentials, and an output by that of a mean of s values.
std::vector<double> attention(const WalkedLayer& at) {
  const std::size_t last = at.inputs.size() - 1;
  const auto s = at.layer.output.dims[0];
  const auto d = static_cast<double>(at.layer.output.columns() / at.layer.attributes.integer("heads"));
  const double query = largest(at.inputs[0], size_of_input(at, 0));
  const double key = last == 0 ? query : largest(at.inputs[1], size_of_input(at, 1));
  const double value = last == 0 ? query : largest(at.inputs[last], size_of_input(at, last));
  const double score = (roundings(static_cast<std::int64_t>(d) + 3) + kFunction) * std::sqrt(d) * query * key;
  return std::vector<double>(at.output.size(), value * (2 * score + roundings(2 * s + 8) + kFunction));
}

/// The mean over rows of log(sum exp(x)) - x of the target: sums of V exponentials, which may be merged in any order.
std::vector<double> cross_entropy(const WalkedLayer& at) {
  const TensorSpec& scores = at.model.layer(at.layer.inputs[0]).output;
  const double most = largest(at.inputs[0], size_of_input(at, 0)), spread = 2 * most + std::log(scores.columns());
  return {roundings(scores.columns() + 8) + kFunction + roundings(scores.rows(at.batch) + 4) * (spread + at.output[0])};
}
std::vector<double> squared_error(const WalkedLayer& at) {
  return {roundings(size_of_input(at, 0) + 4) * at.output[0]};
}

struct Row {
  std::string_view kind;
  std::vector<double> (*errors)(const WalkedLayer&);
};
constexpr Row kRows[] = {{"token_embedding", nothing},
                         {"relu", nothing},
                         {"max_pool2d", nothing},
                         {"flatten", nothing},
                         {"position_embedding", sum_of_two},
                         {"residual_add", sum_of_two},
                         {"linear", linear},
                         {"conv2d", convolution},
                         {"global_average_pool", mean_of_image},
                         {"layer_norm", norm_of_rows},
                         {"rms_norm", norm_of_rows},
                         {"batch_norm", norm_of_channels},
                         {"gelu", gelu},
                         {"swiglu", swiglu},
                         {"rotary", rotary},
                         {"attention", attention},
                         {"grouped_attention", attention},
                         {"softmax_cross_entropy", cross_entropy},
                         {"mean_squared_error", squared_error}};

}  // namespace

std::vector<double> local_errors(const WalkedLayer& layer) {
  for (const Row& row : kRows)
    if (row.kind == layer.layer.kind->name) return row.errors(layer);
  throw std::out_of_range("no bound for " + std::string(layer.layer.kind->name));
}

}  // namespace tandem

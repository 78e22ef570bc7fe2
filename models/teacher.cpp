#include "models/teacher.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/random.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kHidden = 32;

/// Normal numbers scaled so that a sum of `inputs` terms has variance 1.
std::vector<double> random_weights(std::uint64_t seed, const std::string& name, std::int64_t outputs, std::int64_t inputs) {
  std::vector<double> weights(static_cast<std::size_t>(outputs * inputs));
  const auto stream = stream_of(name);
  const double scale = 1 / std::sqrt(static_cast<double>(inputs));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = scale * static_cast<double>(normal_at(seed, stream, i));
  return weights;
}

std::vector<double> multiply(const std::vector<double>& weights, std::int64_t outputs, const std::vector<double>& x) {
  std::vector<double> y(static_cast<std::size_t>(outputs), 0.0);
  for (std::size_t row = 0; row < y.size(); ++row) {
    for (std::size_t column = 0; column < x.size(); ++column) y[row] += weights[row * x.size() + column] * x[column];
  }
  return y;
}

}  // namespace

Teacher::Teacher(std::uint64_t seed, const std::string& name, std::int64_t inputs, std::int64_t outputs)
    : outputs_(outputs), hidden_(outputs == 1 ? 0 : kHidden) {
  first_ = random_weights(seed, fmt::format("teacher 1 {}", name), first_outputs(), inputs);
  if (hidden_ > 0) second_ = random_weights(seed, fmt::format("teacher 2 {}", name), outputs_, hidden_);
}

std::vector<double> Teacher::answer(std::span<const float> inputs) const {
  auto values = multiply(first_, first_outputs(), std::vector<double>(inputs.begin(), inputs.end()));
  if (hidden_ == 0) return values;
  for (double& value : values) value = std::tanh(value);
  return multiply(second_, outputs_, values);
}

}  // namespace tandem

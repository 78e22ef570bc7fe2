// softmax_cross_entropy, fast: the mean over rows of log(sum(exp(x))) - x[target]; keeps the probabilities.

#include <cmath>

#include "exec/kernels/softmax.hpp"
#include "exec/kernels/tokens.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto targets = tokens_below(arguments, 1, columns);
  const float* scores = real_input(arguments);
  float* probabilities = arguments.extra[0];
  double total = 0;
  for (const auto target : targets) {
    const auto [largest, sum] = softmax(scores, columns, columns, probabilities);
    total += std::log(static_cast<double>(sum)) - (static_cast<double>(scores[target]) - static_cast<double>(largest));
    scores += columns;
    probabilities += columns;
  }
  *arguments.output = static_cast<float>(total / static_cast<double>(targets.size()));
}

void input_gradient(const KernelArguments<float>& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto targets = tokens_below(arguments, 1, columns);
  const float factor = arguments.seed / static_cast<float>(targets.size());
  const float* probabilities = arguments.extra[0];
  float* gradient = first_gradient(arguments);
  for (const auto target : targets) {
    Row row(gradient, columns);
    store(row, arguments.accumulate[0], factor * ConstRow(probabilities, columns));
    row[target] -= factor;
    probabilities += columns;
    gradient += columns;
  }
}

}  // namespace

KernelRow<float> softmax_cross_entropy_kernels() { return {"softmax_cross_entropy", forward, input_gradient, nullptr}; }

}  // namespace tandem

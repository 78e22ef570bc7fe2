// token_embedding, fast: copies a row of the weight per token; backward adds rows in the order of the tokens.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"
#include "exec/kernels/tokens.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  float* y = arguments.output;
  for (const auto token : tokens_below_vocabulary(arguments)) {
    y = std::copy_n(arguments.parameters[0] + token * hidden, hidden, y);
  }
}

void weight_gradient(const KernelArguments<float>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  const float* dy = arguments.output_gradient;
  for (const auto token : tokens_below_vocabulary(arguments)) {
    Row(arguments.parameter_gradients[0] + token * hidden, hidden) += ConstRow(dy, hidden);
    dy += hidden;
  }
}

}  // namespace

KernelRow<float> token_embedding_kernels() { return {"token_embedding", forward, nullptr, weight_gradient}; }

}  // namespace tandem

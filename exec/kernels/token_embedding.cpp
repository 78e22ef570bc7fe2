// token_embedding, fast: copies a row of the weight per token, zeros where another rank holds the row; backward adds
// rows in the order of the tokens.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"
#include "exec/kernels/tokens.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  const auto rows = own_rows(arguments);
  float* y = arguments.output;
  for (const auto token : tokens_for(arguments, 0, rows)) {
    const bool is_own = rows.holds(token);
    y = is_own ? std::copy_n(arguments.parameters[0] + (token - rows.first) * hidden, hidden, y)
               : std::fill_n(y, hidden, 0.0F);
  }
}

void weight_gradient(const KernelArguments<float>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  const auto rows = own_rows(arguments);
  const float* dy = arguments.output_gradient;
  for (const auto token : tokens_for(arguments, 0, rows)) {
    if (rows.holds(token)) {
      Row(arguments.parameter_gradients[0] + (token - rows.first) * hidden, hidden) += ConstRow(dy, hidden);
    }
    dy += hidden;
  }
}

}  // namespace

KernelRow<float> token_embedding_kernels() { return {"token_embedding", forward, nullptr, weight_gradient}; }

}  // namespace tandem

#pragma once
// What norms of rows share: LayerNorm, and RMSNorm, which is one without means and shifts.

#include "models/layers/parts.hpp"

namespace tandem {

/// FLOPs of a value in each pass, and tensors of a row's length or values a row.
struct RowNorm {
  std::int64_t forward, input_gradient, weight_gradient;
  std::int64_t parameters;  ///< of as many values as a row has
  std::int64_t statistics;  ///< values of each row that F leaves for backward
};

/// Throws InputError unless the input is a float tensor with rows.
TensorSpec row_norm_output(const Attributes&, std::span<const TensorSpec> inputs);
/// The input, and the statistics of its rows.
Kept row_norm_kept(std::span<const TensorSpec> inputs, const RowNorm& norm);
Work row_norm_work(const LayerContext& context, Pass pass, const RowNorm& norm);

}  // namespace tandem

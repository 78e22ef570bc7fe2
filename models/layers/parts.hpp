#pragma once
// What several layer kinds share: limits, shape checks, and sums of bytes.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "models/layer.hpp"

namespace tandem {

/// Upper bound of sizes: rows and columns of one product must fit the 32-bit integers of BLAS with room to spare.
constexpr double kLargestSize = 16'777'216;

/// Throws InputError unless the input is a float tensor of at least `dimensions` dimensions besides the batch.
void want_float(const TensorSpec& input, std::size_t dimensions = 0);
/// Throws InputError unless both are equal.
void want_same(const TensorSpec& first, const TensorSpec& second);

/// Throws InputError unless there is a target for each row of the prediction; [1] will do for a single row.
void want_targets(const TensorSpec& prediction, const TensorSpec& targets);

TensorSpec same_as_first(const Attributes&, std::span<const TensorSpec> inputs);
TensorSpec float_tensor(std::vector<std::int64_t> dims);
/// One value per micro-batch.
TensorSpec loss_value();
/// The first input's shape with another last dimension.
TensorSpec with_columns(const TensorSpec& input, std::int64_t columns);

std::vector<ParameterSpec> no_parameters(const Attributes&, std::span<const TensorSpec>);
Kept keeps_nothing(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&);
/// Keeps all inputs of a layer.
Kept keeps_inputs(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&);

/// Bytes of the tensors for the micro-batch, each counted once.
Bytes sum_bytes(std::int64_t batch, std::initializer_list<TensorSpec> tensors);
/// Bytes of `count` float values.
Bytes float_bytes(std::int64_t count);

/// Rules of a layer that treats every value by itself, whose inputs and output have one shape: each dimension may be
/// split, in all of them alike.
std::vector<LayoutRule> elementwise_rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec& output);
/// "positions": the rows of the single input and of the output split alike, `parameters` of them repeated; none for an
/// input of one row.
std::vector<LayoutRule> position_rules(const TensorSpec& input, std::size_t parameters = 0);
/// The last dimension of the tensor, split.
AxisLayout split_columns(const TensorSpec& tensor, std::uint8_t blocks = 1);

/// What one value of the output costs: FLOPs, and evaluations of functions as exp.
struct PointwiseCost {
  std::int64_t operations = 0, transcendentals = 0;
};
/// Of a layer that treats every value by itself, whose inputs and output have one shape: F reads the inputs; I reads
/// the output's gradient and, of each input, one tensor that was kept, and writes the inputs' gradients.
Work pointwise_work(const LayerContext& context, Pass pass, PointwiseCost forward, PointwiseCost backward);

/// A source only writes its tensor; it has no backward pass.
Work source_work(const LayerContext& context, Pass pass);

}  // namespace tandem

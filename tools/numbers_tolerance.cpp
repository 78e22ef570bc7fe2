// How far gradients may be from those of the whole model in double.
//
// In fp32 it is a fixed bound. In bf16 each value that is stored was rounded to nearest, with a relative error of at most
// u = 2^-8 (8 bits of significand). A gradient comes out of a chain of stored tensors, and errors of such a chain are
// independent and of mean zero, so that n of them together are below sqrt(n) u with high probability (Higham and Mary, "A
// New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41, 2019). Assumed: a layer makes no error
// larger, in proportion, than it was. n: the tensors of the model's longest path, forward and backward, and one more for
// each micro-batch whose gradient is added to what is stored, on all replicas.

#include <algorithm>
#include <cmath>

#include "tools/check.hpp"

namespace tandem {
namespace {

constexpr double kFloatTolerance = 1e-4;
constexpr double kUnitRoundoff = 0x1p-8;  ///< of bfloat16

/// Layers of the longest path through the model.
std::int64_t longest_path(const Model& model) {
  std::vector<std::int64_t> length;
  for (const Layer& layer : model.layers()) {
    std::int64_t before = 0;
    for (const LayerId input : layer.inputs) before = std::max(before, length[index_of(input)]);
    length.push_back(before + 1);
  }
  return length.back();
}

}  // namespace

double numbers_tolerance(const Model& model, const Plan& plan) {
  if (model.stored() == ElementType::float32) return kFloatTolerance;
  const std::int64_t roundings = 2 * longest_path(model) + global_micro_batches(plan);
  return kUnitRoundoff * std::sqrt(static_cast<double>(roundings));
}

}  // namespace tandem

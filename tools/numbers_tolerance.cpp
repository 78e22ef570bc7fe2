// How far gradients may be from those of the whole model in double.
//
// In fp32 it is a fixed bound on the largest difference. In bf16 each value that is stored was rounded to nearest, with a
// relative error of at most u = 2^-8 (8 bits of significand), and it is the norm of a gradient's error that is held:
// 1. Errors of a chain of n stored tensors are independent and of mean zero, so together below sqrt(n) u with high
//    probability (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41,
//    2019). Assumed: smooth layers make no error larger, in proportion, than it was. n: the tensors of the model's longest
//    path, forward and backward, and one more for each micro-batch whose gradient is added to what is stored.
// 2. The derivative of a kink jumps where rounding turns its decision. Of normally distributed values with a relative error
//    e, a share atan(e) / pi changes sign, so that of the squared norm of a gradient that half of the values let pass a share
//    2 e / pi is wrong. Of windows of a maximum at most a share e changes its place, and both places are wrong: 2 e.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "tools/check.hpp"

namespace tandem {
namespace {

constexpr double kFloatTolerance = 1e-4;
constexpr double kUnitRoundoff = 0x1p-8;  ///< of bfloat16

struct Kink {
  std::string_view kind;
  double wrong;  ///< of a gradient's squared norm, for each unit of relative error
};
constexpr std::array<Kink, 2> kKinks{{{"relu", 2 / std::numbers::pi}, {"max_pool2d", 2}}};

double wrong_by(const LayerKind& kind) {
  const auto row = std::ranges::find(kKinks, kind.name, &Kink::kind);
  return row == kKinks.end() ? 0 : row->wrong;
}

/// By layer: the stored tensors of the longest path that ends with its output.
std::vector<double> depths(const Model& model) {
  std::vector<double> depth;
  for (const Layer& layer : model.layers()) {
    double before = 0;
    for (const LayerId input : layer.inputs) before = std::max(before, depth[index_of(input)]);
    depth.push_back(before + 1);
  }
  return depth;
}

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

}  // namespace

double numbers_tolerance(const Model& model, const Plan& plan) {
  if (model.stored() == ElementType::float32) return kFloatTolerance;
  const std::vector<double> depth = depths(model);
  const double roundings = 2 * depth.back() + static_cast<double>(global_micro_batches(plan));
  double squared = kUnitRoundoff * kUnitRoundoff * roundings;
  for (std::size_t i = 0; i < depth.size(); ++i)
    squared += wrong_by(*model.layers()[i].kind) * kUnitRoundoff * std::sqrt(depth[i]);
  return std::sqrt(squared);
}

double relative_error(ElementType stored, const std::vector<float>& got, const std::vector<double>& want) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < want.size(); ++i) difference.push_back(static_cast<double>(got[i]) - want[i]);
  const auto measure = stored == ElementType::float32 ? largest : norm;
  return measure(difference) == 0 ? 0 : measure(difference) / measure(want);
}

}  // namespace tandem

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
//    2 e / pi is wrong. Of windows of a maximum at most a share e changes its place, and both places are wrong: 2 e
//    (LayerKind::kink). That many are expected, so of few values it may well be more: of M independent decisions, of which x
//    are expected to change, more than x + L/3 + sqrt(L^2/9 + 2 L x) do with a probability below exp(-L) (Bernstein's
//    inequality). Each makes 2 / M of the squared norm wrong.
// In fp32 such a jump is rare, but of a few values, such as those of one image, it is seen: whoever decides otherwise than
// double is within kink_margins() of the kink. A sum of K products has a relative error below sqrt(K) u, u = 2^-24, by 1.

#include <algorithm>
#include <cmath>

#include "plan/plan_schedule.hpp"
#include "tools/check.hpp"

namespace tandem {
namespace {

constexpr double kFloatTolerance = 1e-4;
constexpr double kUnitRoundoff = 0x1p-8;        ///< of bfloat16
constexpr double kFloatUnitRoundoff = 0x1p-24;  ///< of float
constexpr double kSurprise = 6.9;               ///< L: one layer in a thousand may have more decisions turned

/// By layer: the longest path that ends with its output, where the layer `id` is steps(id) long.
template <class Steps>
std::vector<double> depths(const Model& model, Steps steps) {
  std::vector<double> depth;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    double before = 0;
    for (const LayerId input : model.layers()[i].inputs) before = std::max(before, depth[index_of(input)]);
    depth.push_back(before + steps(static_cast<LayerId>(i)));
  }
  return depth;
}

/// Micro-batches whose gradients are added before weights change.
double micro_batches_of_update(const Plan& plan) {
  switch (schedule_row(plan).updates) {
    case Updates::each_micro_batch: return static_cast<double>(plan.replicas);
    case Updates::double_buffered: return static_cast<double>(plan.replicas * plan.pipeline);
    case Updates::at_flush: break;
  }
  return static_cast<double>(global_micro_batches(plan));
}

/// At most this share of the squared norm is wrong where so large a share is expected to be, of so many decisions.
double surprising_share(double share, double decisions) {
  const double expected = share * decisions / 2;
  const double more = kSurprise / 3 + std::sqrt(kSurprise * kSurprise / 9 + 2 * kSurprise * expected);
  return 2 * (expected + more) / decisions;
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
  const std::vector<double> depth = depths(model, [](LayerId) { return 1.0; });  // stored tensors
  const double micro_batches = micro_batches_of_update(plan);
  double squared = kUnitRoundoff * kUnitRoundoff * (2 * depth.back() + micro_batches);
  for (std::size_t i = 0; i < depth.size(); ++i) {
    const Layer& layer = model.layers()[i];
    if (layer.kind->kink == 0) continue;
    const double decisions = micro_batches * static_cast<double>(layer.output.elements(plan.micro_batch_size));
    squared += surprising_share(layer.kind->kink * kUnitRoundoff * std::sqrt(depth[i]), decisions);
  }
  return std::sqrt(squared);
}

std::vector<double> kink_margins(const Model& model, const Plan& plan) {
  std::vector<double> margins = depths(model, [&](LayerId id) {  // roundings
    const Layer& layer = model.layer(id);
    const auto outputs = static_cast<double>(layer.output.elements(plan.micro_batch_size));
    return 1 + model.work(id, Pass::forward, plan.micro_batch_size).flops().real() / outputs;
  });
  for (double& margin : margins) margin = kFloatUnitRoundoff * std::sqrt(margin);
  return margins;
}

template <class Real>
double relative_error(ElementType stored, const std::vector<Real>& got, const std::vector<double>& want) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < want.size(); ++i) difference.push_back(static_cast<double>(got[i]) - want[i]);
  const auto measure = stored == ElementType::float32 ? largest : norm;
  return measure(difference) == 0 ? 0 : measure(difference) / measure(want);
}

template double relative_error(ElementType, const std::vector<float>&, const std::vector<double>&);
template double relative_error(ElementType, const std::vector<double>&, const std::vector<double>&);

GradientErrors gradient_errors(const Model& model, const Plan& plan, const std::vector<std::vector<float>>& gradients,
                               const WholeModelResult& whole,
                               const std::function<WholeModelResult(const std::vector<double>& margins)>& train) {
  const auto largest_from_whole = [&](const auto& got) {
    double error = 0;
    for (std::size_t i = 0; i < whole.gradients.size(); ++i)
      error = std::max(error, relative_error(plan.precision, got[i], whole.gradients[i]));
    return error;
  };
  GradientErrors errors;
  errors.largest = errors.unexplained = largest_from_whole(gradients);
  if (plan.precision != ElementType::float32 || errors.largest <= kFloatTolerance) return errors;
  const WholeModelResult turned = train(kink_margins(model, plan));
  errors.turned = turned.turned;  // float may have turned some of them alone: so the most of any gradient
  errors.unexplained = std::max(0.0, errors.largest - largest_from_whole(turned.gradients));
  return errors;
}

}  // namespace tandem

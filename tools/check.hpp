#pragma once
// The check: both rides of one plan, laid side by side.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "exec/run.hpp"
#include "plan/prices.hpp"
#include "timeline/compare.hpp"
#include "tools/job.hpp"
#include "tools/machine.hpp"

namespace tandem {

struct CheckOptions {
  std::int64_t rounds = 3;         ///< kernels are timed and the plan is run in turn, this many times
  std::int64_t iterations = 4;     ///< of each run; the first is not timed
  bool measured = true;            ///< times the plan's kernels; false: roofline alone
  std::optional<double> pace;      ///< follow the predicted clock, times this
  std::optional<double> tolerance; ///< largest error of the iteration time that agrees; absent: time is reported only
  NetworkMode network = NetworkMode::shared;  ///< of the prediction
  std::stop_token stop;
  std::function<void(std::int64_t percent, std::string_view what)> progress;
};

/// How the numbers of the threaded run compare with the same steps on one thread, and with the whole model in double.
struct NumbersComparison {
  bool bit_identical = true;       ///< losses, gradients and weights of every run
  std::string difference;          ///< the first one, in words
  double max_relative_error = 0;   ///< relative_error() of a gradient; first iteration
  double tolerance = 0;            ///< numbers_tolerance(): what unexplained_error may be
  double unexplained_error = 0;    ///< GradientErrors::unexplained
  std::int64_t turned = 0;         ///< GradientErrors::turned
  double loss_error = 0;           ///< relative, of the first loss
  bool by_descent = false;         ///< both errors: of the same plan with sgd in Adam's place
  std::vector<float> losses;
};

/// FLOPs of one iteration of all workers, as their kernels count them.
struct WorkComparison {
  Flops executed;
  Flops model;  ///< of the undivided model for the same samples

  double beyond() const { return executed.real() / model.real() - 1; }
};
WorkComparison compare_work(const Job& job);

/// Layers whose batch statistics are of each replica's own part, so that the result depends on the number of replicas.
std::vector<std::string> own_statistics(const Job& job);

struct CheckResult {
  Job job;
  Prices prices;
  Timeline predicted;
  std::vector<Timeline> measured;  ///< of each run all iterations but the first
  std::int64_t runs = 0;
  Comparison comparison;
  Seconds roofline;                ///< the iteration predicted with no kernel of this plan timed
  NumbersComparison numbers;
  OtherLoad load;                  ///< while the runs went on
  std::int64_t cores = 0;
  std::optional<double> pace;      ///< as in the options
  bool times_compared = true;      ///< false: the plan is for another machine, and the run did not follow its clock
  bool agrees = false;
};

/// Largest relative error against the double model that agrees, by how the model is stored (numbers_tolerance.cpp).
double numbers_tolerance(const Model& model, const Plan& plan);
/// By LayerId: how near to a kink, over the largest value there, fp32 may decide otherwise than double.
std::vector<double> kink_margins(const Model& model, const Plan& plan);
/// Of a gradient: in fp32 the largest difference over the largest value, in bf16 the norm of the difference over its norm.
/// `Real`: float or double.
template <class Real>
double relative_error(ElementType stored, const std::vector<Real>& got, const std::vector<double>& want);

/// Of all gradients of a run, from those of the whole model in double.
struct GradientErrors {
  double largest = 0;      ///< relative_error()
  /// `largest`; in fp32, where that is beyond the tolerance, what is left of it beside the most that a gradient changes by when
  /// the decisions of kinks that lie within rounding are turned (kink_margins()).
  double unexplained = 0;
  std::int64_t turned = 0; ///< such decisions
};
/// `train`: trains the whole model again with these margins.
GradientErrors gradient_errors(const Model& model, const Plan& plan, const std::vector<std::vector<float>>& gradients,
                               const WholeModelResult& whole,
                               const std::function<WholeModelResult(const std::vector<double>& margins)>& train);

/// Share of the machine that others may use before its times are called busy.
inline constexpr double kQuiet = 0.03;

CheckResult run_check(const Plan& plan, const Cluster& cluster, const CheckOptions& options);

/// The verdict for people, without the picture.
std::string verdict_text(const CheckResult& result, const CheckOptions& options);

}  // namespace tandem

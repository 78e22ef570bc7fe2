#include "tools/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "exec/whole_model.hpp"
#include "sim/simulate.hpp"
#include "timeline/quantile.hpp"
#include "tools/calibration.hpp"
#include "tools/pacing.hpp"

namespace tandem {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// The first tensor or loss whose bits differ, in words; "" when none does.
std::string first_difference(const Model& model, const RunResult& threads, const RunResult& one) {
  if (!same_bits(threads.losses, one.losses)) return "the losses";
  for (std::size_t i = 0; i < one.weights.size(); ++i) {
    const std::string& name = model.parameters()[i].name;
    if (!same_bits(threads.gradients[i], one.gradients[i])) return "the gradient of " + name;
    if (!same_bits(threads.weights[i], one.weights[i])) return "the weights of " + name;
  }
  return "";
}

/// Medians of each kernel over the rounds.
class KernelRounds {
 public:
  void add(const std::vector<MeasuredKernel>& rows) {
    for (const MeasuredKernel& row : rows) rows_[row.signature].push_back(row);
  }
  std::vector<MeasuredKernel> medians() const {
    std::vector<MeasuredKernel> result;
    for (const auto& [signature, rounds] : rows_) {
      std::vector<double> seconds;
      MeasuredKernel merged = rounds.front();
      for (const MeasuredKernel& row : rounds) {
        seconds.push_back(row.median.value);
        merged.p10 = std::min(merged.p10, row.p10);
        merged.p90 = std::max(merged.p90, row.p90);
        merged.runs += &row == &rounds.front() ? 0 : row.runs;
      }
      merged.median = {median(seconds)};
      result.push_back(std::move(merged));
    }
    return result;
  }

 private:
  std::map<std::string, std::vector<MeasuredKernel>> rows_;
};

/// One check as it goes on.
class Check {
 public:
  Check(const Plan& plan, const Cluster& cluster, const CheckOptions& options)
      : plan_(plan), cluster_(cluster), options_(options), total_(options.rounds * 2 + 2) {}
  CheckResult run();

 private:
  bool on_host() const { return cluster_.name == "host"; }
  bool times_kernels() const { return options_.measured && on_host(); }
  void measure(const Model& model);
  void next(std::string_view what);
  Prices prices(bool use_measured) const {
    return price(result_.job.program, *result_.job.model, cluster_, CostModel(use_measured), plan_.optimizer,
                 options_.network);
  }
  RunOptions run_options(std::int64_t iterations) const;
  void run_rounds(const Dataset& dataset);
  void predict();
  void compare_numbers(const Dataset& dataset);
  void compare_descent(const Dataset& dataset);
  void compare_whole(const Job& job, const Dataset& dataset, const RunResult& run);
  void judge();

  Plan plan_;
  Cluster cluster_;
  CheckOptions options_;
  std::int64_t total_, done_ = 0;
  KernelRounds kernels_;
  std::vector<double> slowdowns_;  ///< of as many threads as can compute at once
  std::vector<RunResult> runs_;
  CheckResult result_;
};

void Check::next(std::string_view what) {
  if (options_.stop.stop_requested()) throw RunError("interrupted");
  if (options_.progress) options_.progress(100 * done_++ / total_, what);
}

/// Times the plan's kernels, alone and beside each other, and prices by the medians of the rounds so far. A model that
/// this machine cannot hold whole stays without measured kernels.
void Check::measure(const Model& model) {
  next("timing kernels");
  const std::int64_t beside = std::min<std::int64_t>(mesh_of(plan_).workers(), this_machine().cores);
  try {
    kernels_.add(measure_kernels(model, plan_, 2, std::string(1 << 16, 'a'), options_.stop));
    if (beside > 1)
      slowdowns_.push_back(
          measure_concurrency(model, plan_, this_machine().cores, {beside}, options_.stop).points.back().slowdown);
  } catch (const ResourceError&) {
    return;
  }
  for (Device& device : cluster_.profiles) {
    merge_kernels(device, kernels_.medians());
    if (!slowdowns_.empty()) device.concurrency.points = {{1, 1.0}, {beside, median(slowdowns_)}};
  }
}

RunOptions Check::run_options(std::int64_t iterations) const {
  RunOptions options;
  options.iterations = iterations;
  options.seed = plan_.seed;
  options.optimizer = plan_.optimizer;
  options.stop = options_.stop;
  return options;
}

void Check::run_rounds(const Dataset& dataset) {
  RunOptions options = run_options(options_.iterations);
  if (options_.pace) {
    options.pacing = pacing_of(result_.job.program, scaled_prices(prices(options_.measured), *options_.pace));
  }
  result_.cores = this_machine().cores;
  for (std::int64_t round = 0; round < options_.rounds; ++round) {
    if (times_kernels() && round > 0) measure(*result_.job.model);
    next("running the plan");
    const ProcessorTimes before = processor_times();
    runs_.push_back(run_on_threads(result_.job.program, *result_.job.model, dataset, options));
    const OtherLoad load = other_load(before, processor_times(), result_.cores);
    result_.load.others = std::max(result_.load.others, load.others);
    result_.load.stolen = std::max(result_.load.stolen, load.stolen);
    auto& timelines = runs_.back().timelines;
    for (std::size_t i = timelines.size() > 1 ? 1 : 0; i < timelines.size(); ++i)
      result_.measured.push_back(std::move(timelines[i]));
  }
}

void Check::predict() {
  const double scale = options_.pace.value_or(1);
  result_.prices = scaled_prices(prices(options_.measured), scale);
  const Prices roofline = scaled_prices(prices(false), scale);
  result_.predicted = simulate(result_.job.program, result_.prices);
  result_.roofline = to_seconds(simulate(result_.job.program, roofline, {false, false}).makespan());
}

void Check::compare_numbers(const Dataset& dataset) {
  const Job& job = result_.job;
  NumbersComparison& numbers = result_.numbers;
  next("running the plan on one thread");
  const RunResult one = run_on_one_thread(job.program, *job.model, dataset, run_options(options_.iterations));
  for (const RunResult& run : runs_)
    if (numbers.difference.empty()) numbers.difference = first_difference(*job.model, run, one);
  numbers.bit_identical = numbers.difference.empty();
  numbers.losses = one.losses;
  next("training the whole model in double");
  numbers.by_descent = job.program.updates() > 1 && plan_.optimizer.kind == OptimizerKind::adam;
  if (numbers.by_descent) return compare_descent(dataset);
  compare_whole(job, dataset, run_on_one_thread(job.program, *job.model, dataset, run_options(1)));
}

/// From one update of an iteration to the next Adam enlarges what rounding does to gradients near zero, so that such plans
/// are held to the whole model by plain descent.
void Check::compare_descent(const Dataset& dataset) {
  Plan plan = settled_plan(result_.job);
  plan.optimizer.kind = OptimizerKind::sgd;
  const Job job = make_job(plan, cluster_, CostModel(false));
  RunOptions options = run_options(1);
  options.optimizer = plan.optimizer;
  compare_whole(job, dataset, run_on_one_thread(job.program, *job.model, dataset, options));
}

void Check::compare_whole(const Job& job, const Dataset& dataset, const RunResult& run) {
  NumbersComparison& numbers = result_.numbers;
  const Plan& plan = job.plan;
  const std::int64_t together = plan.synchronised_batch_norm ? plan.replicas : 1;  // replicas that share statistics
  const auto train = [&](const std::vector<double>& margins) {
    return train_whole_model(*job.model, dataset, plan.optimizer, 1, global_micro_batches(plan) / together,
                             plan.micro_batch_size * together, plan.seed, stale_weights(job), margins);
  };
  const WholeModelResult whole = train({});
  const GradientErrors errors = gradient_errors(*job.model, plan, run.gradients, whole, train);
  numbers.max_relative_error = errors.largest;
  numbers.unexplained_error = errors.unexplained;
  numbers.turned = errors.turned;
  numbers.tolerance = numbers_tolerance(*job.model, plan);
  numbers.loss_error = std::abs(static_cast<double>(run.losses[0]) / whole.losses[0] - 1);
}

void Check::judge() {
  const Comparison& comparison = result_.comparison;
  const bool in_time = !options_.tolerance || !result_.times_compared ||
                       std::abs(comparison.iteration.error) <= *options_.tolerance;
  result_.agrees = comparison.order.identical && comparison.edges.violated == 0 && comparison.memory.identical &&
                   result_.numbers.bit_identical && result_.numbers.unexplained_error <= result_.numbers.tolerance && in_time;
}

CheckResult Check::run() {
  auto model = std::make_unique<const Model>(load_planned_model(plan_));
  plan_ = settle_layouts(plan_, *model, cluster_, CostModel(options_.measured));
  if (times_kernels()) measure(*model);
  JobOptions making;
  making.network = options_.network;
  making.progress = [&](std::int64_t, std::int64_t, std::string_view schedule) {
    if (options_.progress) options_.progress(100 * done_ / total_, fmt::format("comparing schedules: {}", schedule));
  };
  result_.job = make_job(plan_, std::move(model), cluster_, CostModel(options_.measured), making);
  require_memory(result_.job);
  const Dataset dataset = make_dataset(result_.job);
  run_rounds(dataset);
  predict();
  compare_numbers(dataset);
  result_.pace = options_.pace;
  result_.runs = options_.rounds;
  result_.times_compared = on_host() || options_.pace.has_value();
  result_.comparison = compare(result_.job.program, result_.predicted, result_.measured);
  judge();
  return std::move(result_);
}

}  // namespace

CheckResult run_check(const Plan& plan, const Cluster& cluster, const CheckOptions& options) {
  return Check(plan, cluster, options).run();
}

}  // namespace tandem

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "exec/profile.hpp"
#include "models/layers/convolution_algorithm.hpp"
#include "plan/lower.hpp"
#include "plan/prices.hpp"
#include "timeline/quantile.hpp"
#include "tools/calibration.hpp"

namespace tandem {
namespace {

MeasuredKernel row_of(std::string signature, const std::vector<Seconds>& times, double scale) {
  std::vector<double> seconds;
  for (const Seconds time : times) seconds.push_back(std::max(1e-12, time.value * scale));
  std::sort(seconds.begin(), seconds.end());
  return {std::move(signature), {quantile(seconds, 0.5)}, {quantile(seconds, 0.1)}, {quantile(seconds, 0.9)},
          std::ssize(seconds)};
}

std::optional<PlainWork> plain_kind(StepKind kind) {
  if (kind == StepKind::zero_gradients) return PlainWork::zero;
  if (kind == StepKind::add_gradient) return PlainWork::add;
  return kind == StepKind::update ? std::optional(PlainWork::update) : std::nullopt;
}

/// Values of what a step goes through, one entry each: of its ranges, or of parameters.
std::vector<std::int64_t> sizes_of(const Program& program, const StepWork& work, PlainWork kind) {
  std::vector<std::int64_t> sizes;
  for (const ParameterRange& range : program.ranges(work)) sizes.push_back(range.elements);
  if (!sizes.empty()) return sizes;
  const Model& local = program.local(work.segment).model;
  for (const SegmentParameter& row : program.segment(work.segment).parameters)
    if (kind == PlainWork::zero || local.parameter(row.parameter).tied_to) sizes.push_back(row.elements);
  return sizes;
}

/// Steps over several parameters, as times of each one's size: by its share of the values.
void add_plain_rows(const Program& program, const Optimizer& optimizer,
                    const std::vector<StepTiming>& steps, std::vector<MeasuredKernel>& rows) {
  for (const StepTiming& step : steps) {
    const auto kind = plain_kind(step.kind);
    if (!kind || step.times.empty()) continue;
    const StepWork& work = program.works()[index_of(step.work)];
    const std::vector<std::int64_t> sizes = sizes_of(program, work, *kind);
    const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    const Segment& segment = program.segment(work.segment);
    for (const std::int64_t size : sizes)
      rows.push_back(row_of(plain_signature(*kind, size, optimizer, segment.weight_type, segment.gradient_type), step.times,
                            static_cast<double>(size) / static_cast<double>(total)));
  }
}

}  // namespace

namespace {

/// The plan's part of the model on one worker; one such plan for each algorithm of convolutions that a search may choose.
std::vector<Plan> measured_plans(const Plan& plan) {
  Plan whole = plan;
  whole.pipeline = 1;
  whole.replicas = 1;
  whole.zero = whole.shard_ranks = 0;
  whole.schedule = "1f1b";
  whole.cuts.clear();
  whole.micro_batches = std::min<std::int64_t>(plan.micro_batches, 4);
  if (plan.offload != "dynamic") return {whole};
  whole.offload = "none";
  if (!plan.convolution_algorithm.empty() || !plan.convolutions.empty()) return {whole};
  std::vector<Plan> plans;
  for (const ConvolutionAlgorithm& row : convolution_algorithms()) {
    plans.push_back(whole);
    plans.back().convolution_algorithm = row.name;
  }
  return plans;
}

}  // namespace

std::vector<MeasuredKernel> measure_kernels(const Model& model, const Plan& plan, std::int64_t rounds,
                                            const std::string& text, std::stop_token stop) {
  RunOptions options;
  options.iterations = rounds;
  options.seed = plan.seed;
  options.optimizer = plan.optimizer;
  options.stop = stop;
  const Dataset dataset(model, text, plan.seed);
  std::vector<MeasuredKernel> rows;
  for (const Plan& whole : measured_plans(plan)) {
    const Program program = lower(whole, model, {}, std::vector(mesh_of(whole).workers(), DeviceId{0}));
    const KernelProfile profile = profile_kernels(program, model, dataset, options);
    for (const KernelTiming& kernel : profile.kernels) rows.push_back(row_of(kernel.signature, kernel.times, 1));
    add_plain_rows(program, plan.optimizer, profile.steps, rows);
  }
  const auto less = [](const auto& a, const auto& b) { return a.signature < b.signature; };
  const auto same = [](const auto& a, const auto& b) { return a.signature == b.signature; };
  std::stable_sort(rows.begin(), rows.end(), less);
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  return rows;
}

}  // namespace tandem

#include <algorithm>

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

/// Steps over all parameters, as times of each parameter's size: by its share of the values.
void add_plain_rows(const Program& program, const Optimizer& optimizer,
                    const std::vector<StepTiming>& steps, std::vector<MeasuredKernel>& rows) {
  for (const StepTiming& step : steps) {
    const auto kind = plain_kind(step.kind);
    if (!kind || step.times.empty()) continue;
    const auto counts = [&](const SegmentParameter& row) {
      const Model& local = program.local(step.segment).model;
      if (*kind == PlainWork::add) return local.parameter(row.parameter).tied_to.has_value();
      return *kind == PlainWork::zero || row.updated;
    };
    std::int64_t total = 0;
    const Segment& segment = program.segment(step.segment);
    const ElementType type = *kind == PlainWork::update ? segment.weight_type : segment.gradient_type;
    const std::vector<SegmentParameter>& parameters = segment.parameters;
    for (const SegmentParameter& row : parameters) total += counts(row) ? row.elements : 0;
    for (const SegmentParameter& row : parameters)
      if (counts(row))
        rows.push_back(row_of(plain_signature(*kind, row.elements, optimizer, type), step.times,
                              static_cast<double>(row.elements) / static_cast<double>(total)));
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

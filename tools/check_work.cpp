// What a division of the model changes: the work that is done more than once, and the statistics of a part.

#include <algorithm>

#include "plan/layouts.hpp"
#include "plan/part_touches.hpp"
#include "tools/check.hpp"

namespace tandem {
namespace {

/// What one step of the work computes. The regions of a window are one layer's, so they count once, with the last.
Flops work_flops(const Program& program, const StepWork& work) {
  Flops sum;
  if (!is_pass(work.kind)) return sum;
  const Segment& segment = program.segment(work.segment);
  const Model& model = program.local(work.segment).model;
  for (const PassItem& item : parts_of(segment, work.kind).at(work.part).items)
    if (item.region == Region::all || item.region == Region::border)
      sum += model.work(segment.layers[item.layer].layer, item.pass, segment.batch).flops();
  return sum;
}

/// By WorkId: steps that do it.
std::vector<std::int64_t> step_counts(const Program& program) {
  std::vector<std::int64_t> counts(program.works().size(), 0);
  for (const Step& step : program.steps())
    if (is_compute(step.kind)) ++counts[step.object];
  return counts;
}

/// "bn1" of "bn1.moments": the layer that was taken apart.
std::string written_name(const Model& model, const std::string& name) {
  const auto layers = model.layers();
  const bool written = std::any_of(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.name == name; });
  return written ? name : name.substr(0, name.rfind('.'));
}

}  // namespace

WorkComparison compare_work(const Job& job) {
  WorkComparison work{{}, metrics_context(job).model_flops};
  const std::vector<std::int64_t> counts = step_counts(job.program);
  for (std::size_t i = 0; i < counts.size(); ++i)
    work.executed += work_flops(job.program, job.program.works()[i]) * counts[i];
  return work;
}

std::vector<std::string> own_statistics(const Job& job) {
  const LayoutChoice choice = choose_layouts(job.plan, *job.model);
  std::vector<std::string> names;
  for (const LayerId id : approximate_layers(choice, job.program.mesh()))
    names.push_back(written_name(*job.model, choice.model.layer(id).name));
  return names;
}

}  // namespace tandem

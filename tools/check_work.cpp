// What a division of the model changes: the work that is done more than once, and the statistics of a part.

#include <algorithm>

#include "plan/layouts.hpp"
#include "tools/check.hpp"

namespace tandem {
namespace {

/// F, I and W of the segment's layers for one micro-batch.
Flops segment_flops(const Model& model, const Segment& segment) {
  Flops sum;
  for (const LayerPlan& layer : segment.layers) {
    sum += model.work(layer.layer, Pass::forward, segment.batch).flops();
    if (layer.runs_input_gradient) sum += model.work(layer.layer, Pass::input_gradient, segment.batch).flops();
    if (layer.runs_weight_gradient) sum += model.work(layer.layer, Pass::weight_gradient, segment.batch).flops();
  }
  return sum;
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
  for (const StepWork& row : job.program.works())
    if (row.kind == StepKind::forward && row.part == 0)
      work.executed += segment_flops(job.program.local(row.segment).model, job.program.segment(row.segment)) *
                       job.program.micro_batches();
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

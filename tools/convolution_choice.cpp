#include "tools/convolution_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "plan/convolutions.hpp"
#include "plan/part_touches.hpp"

namespace tandem {
namespace {

constexpr Pass kPasses[] = {Pass::forward, Pass::input_gradient, Pass::weight_gradient};

/// A convolution of a rank's own model, and where it runs.
struct Place {
  const Model& model;
  LayerId id;
  std::int64_t batch;
  const Device& device;
};

struct Timed {
  Seconds time;
  bool measured = true;
};

/// All passes that run, as they would be by `algorithm`.
Timed timed(const Place& place, const ConvolutionAlgorithm& algorithm, const CostModel& costs) {
  Layer layer = place.model.layer(place.id);
  layer.kind = &find_layer_kind(algorithm.kind);
  const std::vector<TensorSpec> inputs = place.model.input_specs(place.id);
  const LayerContext context{layer.attributes, inputs, layer.output, place.batch};
  Timed sum;
  for (const Pass pass : kPasses) {
    if (place.model.work(place.id, pass, place.batch).flops().count == 0) continue;
    const Cost cost =
        costs.kernel(kernel_signature(layer, inputs, pass, place.batch), layer.kind->work(context, pass), place.device);
    sum.time += cost.time;
    sum.measured = sum.measured && cost.source == CostSource::measured;
  }
  return sum;
}

FasterAlgorithms faster(const Place& place, const CostModel& costs) {
  const Layer& layer = place.model.layer(place.id);
  std::vector<const ConvolutionAlgorithm*> suitable;
  bool measured = true;
  for (const ConvolutionAlgorithm& row : convolution_algorithms()) {
    if (!row.suits(layer.attributes)) continue;
    suitable.push_back(&row);
    measured = measured && timed(place, row, costs).measured;
  }
  const CostModel same = measured ? costs : CostModel(false);
  const Seconds usual = timed(place, *suitable.front(), same).time;
  std::vector<std::pair<Seconds, std::string_view>> times;
  for (const ConvolutionAlgorithm* row : suitable)
    if (const Seconds time = timed(place, *row, same).time; time < usual) times.emplace_back(time, row->name);
  std::ranges::stable_sort(times, {}, [](const auto& entry) { return entry.first.value; });
  FasterAlgorithms found{layer.name, {}, {}};
  for (const auto& [time, name] : times) found.algorithms.push_back(name);
  if (!times.empty()) found.saved = usual - times.front().first;
  return found;
}

}  // namespace

std::vector<FasterAlgorithms> faster_algorithms(const Job& job, const Program& program, const CostModel& costs) {
  std::vector<FasterAlgorithms> found;
  std::set<std::string> seen;
  for (const StepWork& work : program.works()) {
    if (!is_pass(work.kind)) continue;
    const Segment& segment = program.segment(work.segment);
    const Model& model = program.local(work.segment).model;
    const Device& device = job.cluster.device(program.workers()[index_of(work.worker)].device);
    for (std::size_t i = segment.first; i < segment.last; ++i) {
      const auto id = static_cast<LayerId>(i);
      if (!is_convolution(*model.layer(id).kind) || !seen.insert(model.layer(id).name).second) continue;
      FasterAlgorithms row = faster({model, id, segment.batch, device}, costs);
      if (!row.algorithms.empty()) found.push_back(std::move(row));
    }
  }
  std::ranges::stable_sort(found, std::greater{}, [](const FasterAlgorithms& row) { return row.saved.value; });
  return found;
}

void sort_by_model(const Model& model, ConvolutionChoice& choice) {
  std::ranges::sort(choice, {}, [&model](const auto& entry) {
    return std::ranges::find(model.layers(), entry.first, &Layer::name) - model.layers().begin();
  });
}

ConvolutionChoice fastest(const Model& model, const std::vector<FasterAlgorithms>& layers) {
  ConvolutionChoice choice;
  for (const FasterAlgorithms& row : layers) choice.emplace_back(row.layer, row.algorithms.front());
  sort_by_model(model, choice);
  return choice;
}

std::string choice_text(const Job& job, const ConvolutionChoice& choice) {
  Plan plan = job.plan;
  plan.convolutions = choice;
  std::vector<std::pair<std::string_view, std::size_t>> counts;
  for (const ConvolutionAlgorithm& row : convolution_algorithms()) counts.emplace_back(row.name, 0);
  for (const Layer& layer : job.model->layers()) {
    if (!is_convolution(*layer.kind)) continue;
    const auto at = std::ranges::find(counts, convolution_algorithm(plan, layer).name, &decltype(counts)::value_type::first);
    ++at->second;
  }
  std::string text;
  for (const auto& [name, count] : counts)
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  return text;
}

}  // namespace tandem

#include "tests/bench/pipeline.hpp"

#include "plan/lower.hpp"

namespace tandem::bench {

Program lower_pipeline(std::uint32_t stages, std::uint32_t micro_batches) {
  std::vector<LayerDefinition> layers{{.name = "x", .kind = "values", .attributes = {{"features", 16}}},
                                      {.name = "targets", .kind = "target_values", .attributes = {{"features", 16}}}};
  std::string last = "x";
  for (std::uint32_t i = 0; i < stages; ++i) {
    const std::string name = "layer" + std::to_string(i);
    layers.push_back({.name = name, .kind = "linear", .attributes = {{"features", 16}}, .inputs = {last}});
    last = name;
  }
  layers.push_back({.name = "loss", .kind = "mean_squared_error", .inputs = {last, "targets"}});
  const Model model("chain", layers);

  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < model.layer_count(); ++i) {
    const std::string& name = model.layers()[i].name;
    if (name.starts_with("layer") && name != "layer0") cuts.push_back(i);
  }
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < stages; ++i) devices.push_back(static_cast<DeviceId>(i));
  Plan plan;
  plan.pipeline = stages;
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 1;
  return lower(plan, model, cuts, devices);
}

Prices price_pipeline(const Program& program, const PipelineTimes& times) {
  Prices prices;
  for (const StepWork& work : program.works()) {
    const std::int64_t more = times.spread * index_of(work.worker);
    const bool forward = work.kind == StepKind::forward, backward = work.kind == StepKind::backward;
    const std::int64_t time = forward ? times.forward + more : backward ? times.backward + more : 0;
    prices.works.push_back({{time}, CostSource::roofline});
  }
  for (std::uint32_t i = 0; i < program.channels().size(); ++i) {
    prices.resources.push_back({"link", 1, {}});
    prices.channels.push_back({{times.latency}, {times.latency}, {times.transfer}, i});
  }
  prices.worker_resource.assign(program.workers().size(), kExclusive);
  prices.worker_forbids_overlap.assign(program.workers().size(), false);
  return prices;
}

}  // namespace tandem::bench

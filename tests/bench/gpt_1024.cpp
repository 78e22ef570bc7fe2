// A GPT of 96 layers on 1,024 simulated GPUs: tp 8, pp 16, dp 8, 1F1B, 64 micro-batches, overlapped buckets. Prints the
// processor time of each phase, with shared links and in closed form.
//
// usage: bench_gpt_1024 [REPEATS [COLLECTIVE]]
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/partition.hpp"
#include "plan/verify.hpp"
#include "sim/simulate.hpp"
#include "timeline/quantile.hpp"
#include "tools/collective_choice.hpp"

namespace {

using namespace tandem;

constexpr int kLayers = 96, kHidden = 6144, kHeads = 48, kSequence = 2048, kVocabulary = 51200;

std::vector<LayerDefinition> gpt() {
  std::vector<LayerDefinition> layers{
      {.name = "tokens", .kind = "tokens", .attributes = {{"sequence", kSequence}, {"vocabulary", kVocabulary}}},
      {.name = "targets", .kind = "target_tokens", .attributes = {{"sequence", kSequence}}},
      {.name = "wte", .kind = "token_embedding", .attributes = {{"vocabulary", kVocabulary}, {"hidden", kHidden}}, .inputs = {"tokens"}},
      {.name = "x0", .kind = "position_embedding", .inputs = {"wte"}}};
  std::string x = "x0";
  for (int i = 0; i < kLayers; ++i) {
    const std::string h = fmt::format("h.{}.", i);
    const auto linear = [&](const std::string& name, int features, const std::string& input) {
      layers.push_back({.name = h + name, .kind = "linear", .attributes = {{"features", features}}, .inputs = {input}});
    };
    layers.push_back({.name = h + "ln_1", .kind = "layer_norm", .inputs = {x}});
    linear("qkv", 3 * kHidden, h + "ln_1");
    layers.push_back({.name = h + "core", .kind = "attention", .attributes = {{"heads", kHeads}}, .inputs = {h + "qkv"}});
    linear("proj", kHidden, h + "core");
    layers.push_back({.name = h + "add_1", .kind = "residual_add", .inputs = {x, h + "proj"}});
    layers.push_back({.name = h + "ln_2", .kind = "layer_norm", .inputs = {h + "add_1"}});
    linear("fc", 4 * kHidden, h + "ln_2");
    layers.push_back({.name = h + "gelu", .kind = "gelu", .inputs = {h + "fc"}});
    linear("out", kHidden, h + "gelu");
    layers.push_back({.name = h + "add_2", .kind = "residual_add", .inputs = {h + "add_1", h + "out"}});
    x = h + "add_2";
  }
  layers.push_back({.name = "ln_f", .kind = "layer_norm", .inputs = {x}});
  layers.push_back({.name = "lm_head", .kind = "linear", .attributes = {{"features", kVocabulary}, {"bias", 0}}, .inputs = {"ln_f"}, .tie = "wte.weight"});
  layers.push_back({.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"lm_head", "targets"}});
  return layers;
}

Plan plan_of_1024() {
  Plan plan;
  plan.pipeline = 16;
  plan.tensor = 8;
  plan.replicas = 8;
  plan.micro_batches = 64;
  plan.micro_batch_size = 1;
  return plan;
}

template <class Run>
auto timed(const std::string& what, std::map<std::string, std::vector<double>>& seconds, Run run) {
  const std::clock_t start = std::clock();
  auto result = run();
  seconds[what].push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  return result;
}

void run(std::int64_t repeats, const std::string& collective) {
  const Model model("gpt-96", gpt());
  Plan plan = plan_of_1024();
  plan.collective = collective;
  const Cluster cluster = load_cluster("dgx-a100:128");
  const CostModel costs(false);
  std::map<std::string, std::vector<double>> seconds;
  std::string facts;
  for (std::int64_t repeat = 0; repeat < repeats; ++repeat) {
    const auto devices = place_workers(cluster, mesh_of(plan).workers());
    std::vector<const Device*> stages(16, &cluster.device(devices[0]));
    const auto cuts = timed("partition", seconds, [&] { return partition(model, stages, costs, 1).cuts; });
    LowerOptions options;
    options.choose = collective_chooser(plan, cluster);
    const Program program = timed("lower", seconds, [&] { return lower(plan, model, cuts, devices, options); });
    timed("verify", seconds, [&] { verify(program); return 0; });
    Seconds iteration[2];
    for (const NetworkMode mode : {NetworkMode::shared, NetworkMode::analytic}) {
      const std::string name = mode == NetworkMode::shared ? "shared" : "analytic";
      const Prices prices = timed("price " + name, seconds, [&] { return price(program, model, cluster, costs, plan.optimizer, mode); });
      const Timeline timeline = timed("simulate " + name, seconds, [&] { return simulate(program, prices, {false, false}); });
      iteration[mode == NetworkMode::analytic] = to_seconds(timeline.makespan());
    }
    std::int64_t exchanges = 0;
    for (const Collective& row : program.collectives())
      exchanges += std::int64_t{program.spec(row).algorithm->rounds(program.spec(row).shape)} * program.spec(row).shape.ranks;
    facts = fmt::format("{} steps, {} collectives of {} exchanges, {} messages; iteration {} shared, {} analytic; Program {}",
                        program.step_count(), program.collectives().size(), exchanges, program.messages().size(),
                        to_text(iteration[0]), to_text(iteration[1]), to_text(program.footprint()));
  }
  fmt::print("{}\n", facts);
  for (auto& [what, times] : seconds) {
    std::sort(times.begin(), times.end());
    fmt::print("{:<18} median {:6.2f} s ({:.2f} to {:.2f}, {} times)\n", what, median(times), times.front(), times.back(), times.size());
  }
}

}  // namespace

int main(int argc, char** argv) try {
  run(argc > 1 ? std::stoll(argv[1]) : 3, argc > 2 ? argv[2] : "auto");
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

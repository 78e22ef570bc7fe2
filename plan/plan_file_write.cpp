// A plan as the lines of its file.

#include <fmt/format.h>

#include "base/json_text.hpp"
#include "plan/plan.hpp"

namespace tandem {
namespace {

std::string write_map(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out;
  for (const auto& [layer, word] : entries) out += fmt::format("  {}: {}\n", json_string(layer), word);
  return out;
}

/// What differs from the defaults.
std::string write_division(const Plan& plan) {
  const Plan usual;
  std::string out;
  const auto flag = [&](std::string_view key, bool value, bool fallback) {
    if (value != fallback) out += fmt::format("{}: {}\n", key, value);
  };
  if (plan.tensor_split != usual.tensor_split) out += fmt::format("tensor_split: {}\n", name_of(plan.tensor_split));
  if (plan.after_space != usual.after_space) out += fmt::format("after_space: {}\n", name_of(plan.after_space));
  flag("sequence_parallel", plan.sequence_parallel, usual.sequence_parallel);
  flag("synchronised_batch_norm", plan.synchronised_batch_norm, usual.synchronised_batch_norm);
  flag("overlap", plan.overlap, usual.overlap);
  if (plan.recompute != usual.recompute) out += fmt::format("recompute: {}\n", json_string(plan.recompute));
  flag("repeat_collectives", plan.repeat_collectives, usual.repeat_collectives);
  if (plan.dropout != usual.dropout) out += fmt::format("dropout: {}\n", name_of(plan.dropout));
  if (plan.offload != usual.offload) out += fmt::format("offload: {}\n", json_string(plan.offload));
  flag("offload_optimizer", plan.offload_optimizer, usual.offload_optimizer);
  flag("offload_weights", plan.offload_weights, usual.offload_weights);
  if (plan.update_on != usual.update_on) out += fmt::format("update_on: {}\n", name_of(plan.update_on));
  if (plan.offload_staging != usual.offload_staging) out += fmt::format("offload_staging: {}\n", plan.offload_staging);
  if (plan.offload_prefetch != usual.offload_prefetch)
    out += fmt::format("offload_prefetch: {}\n", plan.offload_prefetch);
  if (plan.zero != usual.zero) out += fmt::format("zero: {}\n", plan.zero);
  if (plan.shard_ranks != usual.shard_ranks) out += fmt::format("shard_ranks: {}\n", plan.shard_ranks);
  if (plan.prefetch != usual.prefetch) out += fmt::format("prefetch: {}\n", plan.prefetch);
  flag("reshard", plan.reshard, usual.reshard);
  if (plan.bucket != usual.bucket) out += fmt::format("bucket: {} B\n", plan.bucket.count);
  if (plan.collective != usual.collective) out += fmt::format("collective: {}\n", json_string(plan.collective));
  if (!plan.convolution_algorithm.empty())
    out += fmt::format("convolution_algorithm: {}\n", plan.convolution_algorithm);
  if (!plan.convolutions.empty()) out += "convolutions:  # by another algorithm\n" + write_map(plan.convolutions);
  if (!plan.layouts.empty())
    out += "layouts:  # rules on the tensor axis that are not the default\n" + write_map(plan.layouts);
  return out;
}

}  // namespace

std::string write_plan(const Plan& plan) {
  std::string out = fmt::format("model: {}\n", json_string(plan.model));
  if (plan.model_fingerprint) out += fmt::format("model_fingerprint: \"{:016x}\"\n", *plan.model_fingerprint);
  out += fmt::format("cluster: {}\nmesh: {{pipeline: {}", json_string(plan.cluster), plan.pipeline);
  if (plan.replicas > 1) out += fmt::format(", data: {}", plan.replicas);
  if (plan.tensor > 1) out += fmt::format(", tensor: {}", plan.tensor);
  if (plan.height > 1 || plan.width > 1) out += fmt::format(", spatial: [{}, {}]", plan.height, plan.width);
  out += "}\n" + write_division(plan);
  out += fmt::format("schedule: {}\n", json_string(plan.schedule));
  if (plan.chunks != Plan{}.chunks) out += fmt::format("chunks: {}\n", plan.chunks);
  out += fmt::format("micro_batches: {}\nmicro_batch_size: {}\nwindow: {}\n", plan.micro_batches,
                     plan.micro_batch_size, plan.window);
  if (plan.memory_reserve > 0) out += fmt::format("memory_reserve: {}\n", json_number(plan.memory_reserve));
  if (plan.precision != Plan{}.precision) out += fmt::format("precision: {}\n", precision_name(plan.precision));
  if (plan.float_gradients) out += "float_gradients: true\n";
  const Optimizer& o = plan.optimizer;
  out += fmt::format("optimizer: {{kind: {}, learning_rate: {}", o.kind == OptimizerKind::adam ? "adam" : "sgd",
                     json_number(o.learning_rate));
  if (o.kind == OptimizerKind::adam)
    out += fmt::format(", beta1: {}, beta2: {}, epsilon: {}", json_number(o.beta1), json_number(o.beta2),
                       json_number(o.epsilon));
  out += fmt::format("}}\niterations: {}\nseed: {}\n", plan.iterations, plan.seed);
  if (!plan.data.empty()) out += fmt::format("data: {}\n", json_string(plan.data));
  if (!plan.cuts.empty()) {
    out += "cuts:  # the first layer of each stage but the first\n";
    for (const std::string& cut : plan.cuts) out += fmt::format("  - {}\n", json_string(cut));
  }
  return out;
}

}  // namespace tandem

// Reads plan files (docs/plan-file.md).

#include "plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "plan/collective.hpp"
#include "plan/convolutions.hpp"
#include "plan/offload.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/recompute.hpp"
#include "plan/schedule_csv.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();

void read_integer(const YamlNode& root, std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& out) {
  if (const YamlNode* node = root.find(key)) out = node->integer(low, high);
}

void read_number(const YamlNode& root, std::string_view key, double low, double high, double& out) {
  if (const YamlNode* node = root.find(key)) out = node->number(low, high);
}

void read_text(const YamlNode& root, std::string_view key, std::string& out) {
  if (const YamlNode* node = root.find(key)) out = node->text();
}

/// Adam divides by 1 - beta^t and by epsilon, where a gradient has always been zero.
void read_adam(const YamlNode& node, Optimizer& optimizer) {
  read_number(node, "beta1", 0, 1, optimizer.beta1);
  read_number(node, "beta2", 0, 1, optimizer.beta2);
  read_number(node, "epsilon", 0, 1, optimizer.epsilon);
  for (const std::string_view key : {"beta1", "beta2"})
    if (const YamlNode* beta = node.find(key); beta != nullptr && beta->number(0, 1) == 1)
      beta->fail("Adam never forgets", beta->text(), "a number from 0 to below 1");
  if (optimizer.epsilon == 0)
    node.at("epsilon").fail("Adam may divide by zero", node.at("epsilon").text(), "above zero");
}

ElementType read_precision(const YamlNode& node) {
  if (const auto type = find_precision(node.text())) return *type;
  node.fail(fmt::format("no such precision{}", did_you_mean(node.text(), {"fp32", "bf16"})), node.text(), "fp32 or bf16");
}

Optimizer read_optimizer(const YamlNode& node) {
  Optimizer optimizer;
  node.only_keys({"kind", "learning_rate", "beta1", "beta2", "epsilon"});
  const YamlNode& kind = node.at("kind");
  if (kind.text() != "sgd" && kind.text() != "adam")
    kind.fail(fmt::format("no such optimizer{}", did_you_mean(kind.text(), {"sgd", "adam"})), kind.text(),
              "sgd or adam");
  optimizer.kind = kind.text() == "adam" ? OptimizerKind::adam : OptimizerKind::sgd;
  read_number(node, "learning_rate", 0, 1e6, optimizer.learning_rate);
  if (optimizer.kind == OptimizerKind::adam) read_adam(node, optimizer);
  if (optimizer.kind == OptimizerKind::sgd)
    for (const std::string_view key : {"beta1", "beta2", "epsilon"})
      if (const YamlNode* entry = node.find(key)) entry->fail(fmt::format("sgd has no {}, which is of adam", key));
  return optimizer;
}

double read_share(const YamlNode& node) {
  try {
    return parse_share(node.text());
  } catch (const QuantityError& error) {
    node.fail(error.problem, node.text(), error.want);
  }
}

std::uint64_t read_fingerprint(const YamlNode& node) {
  const std::string& text = node.text();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != 16)
    node.fail("no fingerprint", text, "16 hexadecimal digits, as tandem plan writes them");
  return value;
}

void read_schedule(const YamlNode& node, std::string& out) {
  out = node.text();
  if (is_schedule_file(out)) {
    out = (std::filesystem::path(node.position().file).parent_path() / out).lexically_normal().string();
    return;
  }
  std::vector<std::string> names;
  for (const SearchedSchedule& row : searched_schedules()) names.emplace_back(row.name);
  for (const Schedule& row : schedules()) names.emplace_back(row.name);
  if (std::find(names.begin(), names.end(), out) == names.end())
    node.fail(fmt::format("no such schedule{}", did_you_mean(out, names)), out,
              fmt::format("one of {}", fmt::join(names, ", ")));
}

void read_mesh(const YamlNode& node, Plan& plan) {
  node.only_keys({"pipeline", "data", "tensor", "spatial"});
  read_integer(node, "pipeline", 1, kMost, plan.pipeline);
  read_integer(node, "data", 1, kMost, plan.replicas);
  read_integer(node, "tensor", 1, kMost, plan.tensor);
  if (const YamlNode* space = node.find("spatial")) {
    const auto& items = space->items();
    if (items.size() != 2)
      space->fail("not the ranks of two dimensions", fmt::format("{}", items.size()), "[height, width]");
    plan.height = items[0].integer(1, kMost);
    plan.width = items[1].integer(1, kMost);
  }
}

/// One of a few names.
template <auto Find, auto Names>
auto read_choice(const YamlNode& node) {
  const auto choice = Find(node.text());
  if (!choice)
    node.fail(fmt::format("unknown{}", did_you_mean(node.text(), Names())), node.text(),
              fmt::format("one of {}", fmt::join(Names(), ", ")));
  return *choice;
}

void read_layouts(const YamlNode& node, Plan& plan) {
  for (const auto& [layer, rule] : node.entries()) plan.layouts.emplace_back(layer.text(), rule.text());
}

/// How the work of a stage is divided, and how its ranks talk.
void read_division(const YamlNode& root, Plan& plan) {
  if (const YamlNode* node = root.find("tensor_split"))
    plan.tensor_split = read_choice<find_tensor_split, tensor_split_names>(*node);
  if (const YamlNode* node = root.find("after_space"))
    plan.after_space = read_choice<find_after_space, after_space_names>(*node);
  if (const YamlNode* node = root.find("sequence_parallel")) plan.sequence_parallel = node->boolean();
  if (const YamlNode* node = root.find("synchronised_batch_norm")) plan.synchronised_batch_norm = node->boolean();
  if (const YamlNode* node = root.find("overlap")) plan.overlap = node->boolean();
  read_integer(root, "zero", 0, 3, plan.zero);
  read_integer(root, "shard_ranks", 0, kMost, plan.shard_ranks);
  read_integer(root, "prefetch", 0, kMost, plan.prefetch);
  if (const YamlNode* node = root.find("reshard")) plan.reshard = node->boolean();
  if (const YamlNode* node = root.find("layouts")) read_layouts(*node, plan);
  if (const YamlNode* node = root.find("bucket")) plan.bucket = node->quantity<Bytes>();
  if (const YamlNode* node = root.find("collective")) {
    plan.collective = node->text();
    std::vector<std::string> names{"auto"};
    for (const CollectiveAlgorithm& row : collective_algorithms()) names.emplace_back(row.name);
    if (std::find(names.begin(), names.end(), plan.collective) == names.end())
      node->fail(fmt::format("no such algorithm{}", did_you_mean(plan.collective, names)), plan.collective,
                 fmt::format("one of {}", fmt::join(names, ", ")));
  }
}

void read_recompute(const YamlNode& node, std::string& out) {
  out = node.text();
  try {
    parse_recompute(out);
  } catch (const QuantityError& error) {
    node.fail(error.problem, out, error.want);
  }
}

void read_offload(const YamlNode& node, std::string& out) {
  out = node.text();
  try {
    parse_offload(out);
  } catch (const QuantityError& error) {
    node.fail(error.problem, out, error.want);
  }
}

void read_cuts(const YamlNode& node, Plan& plan) {
  for (const YamlNode& cut : node.items()) {
    plan.cuts.push_back(cut.text());
    plan.cut_places.push_back(cut.position());
  }
  if (leaves_schedule_open(plan)) return;
  const std::int64_t stages = stage_count(plan);
  if (std::ssize(plan.cuts) == stages - 1) return;
  node.fail("the number of cuts does not suit the mesh", fmt::format("{} cuts", plan.cuts.size()),
            fmt::format("{}, one fewer than the {} stages", stages - 1, stages));
}

void read_seed(const YamlNode& root, Plan& plan) {
  std::int64_t seed = static_cast<std::int64_t>(plan.seed);
  read_integer(root, "seed", 0, std::numeric_limits<std::int64_t>::max(), seed);
  plan.seed = static_cast<std::uint64_t>(seed);
}

}  // namespace

Plan read_plan(const YamlNode& root) {
  Plan plan;
  root.only_keys({"model", "model_fingerprint", "cluster", "mesh", "schedule", "chunks", "micro_batches",
                  "micro_batch_size", "window", "recompute", "repeat_collectives", "dropout", "offload",
                  "offload_staging", "offload_prefetch", "offload_optimizer", "offload_weights", "update_on",
                  "memory_reserve", "precision", "float_gradients", "optimizer", "iterations", "seed", "data", "cuts",
                  "tensor_split", "sequence_parallel", "after_space", "synchronised_batch_norm", "layouts", "bucket",
                  "convolution_algorithm", "convolutions",
                  "overlap", "zero", "shard_ranks", "prefetch",
                  "reshard", "collective"});
  plan.model = root.at("model").text();
  read_text(root, "cluster", plan.cluster);
  if (const YamlNode* node = root.find("mesh")) read_mesh(*node, plan);
  read_division(root, plan);
  read_convolutions(root, plan);
  if (const YamlNode* node = root.find("schedule")) read_schedule(*node, plan.schedule);
  read_integer(root, "chunks", 1, kMost, plan.chunks);
  read_integer(root, "micro_batches", 1, kMost, plan.micro_batches);
  read_integer(root, "micro_batch_size", 1, kMost, plan.micro_batch_size);
  read_integer(root, "window", 1, 1024, plan.window);
  if (const YamlNode* node = root.find("memory_reserve")) plan.memory_reserve = read_share(*node);
  if (const YamlNode* node = root.find("recompute")) read_recompute(*node, plan.recompute);
  if (const YamlNode* node = root.find("repeat_collectives")) plan.repeat_collectives = node->boolean();
  if (const YamlNode* node = root.find("dropout")) plan.dropout = read_choice<find_dropout_use, dropout_use_names>(*node);
  if (const YamlNode* node = root.find("offload")) read_offload(*node, plan.offload);
  read_integer(root, "offload_staging", 0, 1024, plan.offload_staging);
  read_integer(root, "offload_prefetch", 0, 1024, plan.offload_prefetch);
  if (const YamlNode* node = root.find("offload_optimizer")) plan.offload_optimizer = node->boolean();
  if (const YamlNode* node = root.find("offload_weights")) plan.offload_weights = node->boolean();
  if (const YamlNode* node = root.find("update_on")) plan.update_on = read_choice<find_update_on, update_on_names>(*node);
  if (const YamlNode* node = root.find("precision")) plan.precision = read_precision(*node);
  if (const YamlNode* node = root.find("float_gradients")) plan.float_gradients = node->boolean();
  if (const YamlNode* node = root.find("optimizer")) plan.optimizer = read_optimizer(*node);
  read_integer(root, "iterations", 1, kMost, plan.iterations);
  read_seed(root, plan);
  read_text(root, "data", plan.data);
  if (const YamlNode* node = root.find("cuts")) read_cuts(*node, plan);
  if (const YamlNode* node = root.find("model_fingerprint")) {
    plan.model_fingerprint = read_fingerprint(*node);
    plan.fingerprint_place = node->position();
  }
  return plan;
}

}  // namespace tandem

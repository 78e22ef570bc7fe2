#include "plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "plan/schedule.hpp"

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

Optimizer read_optimizer(const YamlNode& node) {
  Optimizer optimizer;
  node.only_keys({"kind", "learning_rate", "beta1", "beta2", "epsilon"});
  const std::string& kind = node.at("kind").text();
  if (kind != "sgd" && kind != "adam")
    node.at("kind").fail(fmt::format("no such optimizer{}", did_you_mean(kind, {"sgd", "adam"})), kind, "sgd or adam");
  optimizer.kind = kind == "adam" ? OptimizerKind::adam : OptimizerKind::sgd;
  read_number(node, "learning_rate", 0, 1e6, optimizer.learning_rate);
  read_number(node, "beta1", 0, 1, optimizer.beta1);
  read_number(node, "beta2", 0, 1, optimizer.beta2);
  read_number(node, "epsilon", 0, 1, optimizer.epsilon);
  return optimizer;
}

std::uint64_t read_fingerprint(const YamlNode& node) {
  const std::string& text = node.text();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != 16)
    node.fail("no fingerprint", text, "16 hexadecimal digits, as tandem plan writes them");
  return value;
}

}  // namespace

Plan read_plan(const YamlNode& root) {
  Plan plan;
  root.only_keys({"model", "model_fingerprint", "cluster", "mesh", "schedule", "micro_batches", "micro_batch_size",
                  "window", "optimizer", "iterations", "seed", "data", "cuts"});
  plan.model = root.at("model").text();
  read_text(root, "cluster", plan.cluster);
  if (const YamlNode* mesh = root.find("mesh")) {
    mesh->only_keys({"pipeline"});
    read_integer(*mesh, "pipeline", 1, kMost, plan.pipeline);
  }
  read_text(root, "schedule", plan.schedule);
  if (const YamlNode* node = root.find("schedule")) {
    try {
      find_schedule(plan.schedule);
    } catch (const InputError&) {
      std::vector<std::string> names;
      for (const Schedule& row : schedules()) names.emplace_back(row.name);
      node->fail(fmt::format("no such schedule{}", did_you_mean(plan.schedule, names)), plan.schedule,
                 fmt::format("one of {}", fmt::join(names, ", ")));
    }
  }
  read_integer(root, "micro_batches", 1, kMost, plan.micro_batches);
  read_integer(root, "micro_batch_size", 1, kMost, plan.micro_batch_size);
  read_integer(root, "window", 1, 1024, plan.window);
  read_integer(root, "iterations", 1, kMost, plan.iterations);
  std::int64_t seed = 1;
  read_integer(root, "seed", 0, std::numeric_limits<std::int64_t>::max(), seed);
  plan.seed = static_cast<std::uint64_t>(seed);
  read_text(root, "data", plan.data);
  if (const YamlNode* node = root.find("optimizer")) plan.optimizer = read_optimizer(*node);
  if (const YamlNode* node = root.find("model_fingerprint")) plan.model_fingerprint = read_fingerprint(*node);
  if (const YamlNode* node = root.find("cuts")) {
    for (const YamlNode& cut : node->items()) plan.cuts.push_back(cut.text());
    if (std::ssize(plan.cuts) != plan.pipeline - 1)
      node->fail("the number of cuts does not suit the mesh", fmt::format("{} cuts", plan.cuts.size()),
                 fmt::format("{}, one fewer than the {} pipeline ranks", plan.pipeline - 1, plan.pipeline));
  }
  return plan;
}

std::string write_plan(const Plan& plan) {
  std::string out = fmt::format("model: {}\n", json_string(plan.model));
  if (plan.model_fingerprint) out += fmt::format("model_fingerprint: \"{:016x}\"\n", *plan.model_fingerprint);
  out += fmt::format("cluster: {}\nmesh: {{pipeline: {}}}\n", json_string(plan.cluster), plan.pipeline);
  out += fmt::format("schedule: {}\nmicro_batches: {}\nmicro_batch_size: {}\nwindow: {}\n", json_string(plan.schedule),
                     plan.micro_batches, plan.micro_batch_size, plan.window);
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

std::vector<std::size_t> resolve_cuts(const Plan& plan, const Model& model) {
  if (plan.model_fingerprint && *plan.model_fingerprint != model.fingerprint())
    throw InputError("the plan was made for another model", fmt::format("{:016x}", model.fingerprint()),
                     fmt::format("fingerprint {:016x}", *plan.model_fingerprint));
  std::vector<std::size_t> cuts;
  std::vector<std::string> names;
  for (const Layer& layer : model.layers()) names.push_back(layer.name);
  for (const std::string& name : plan.cuts) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end())
      throw InputError(fmt::format("cut: no such layer in {}{}", model.name(), did_you_mean(name, names)), name);
    const auto cut = static_cast<std::size_t>(at - names.begin());
    if (cut == 0 || !model.may_cut(cut))
      throw InputError("cut: the model cannot be split before this layer", name);
    if (!cuts.empty() && cut <= cuts.back())
      throw InputError("cut: out of order", name, fmt::format("a layer after \"{}\"", names[cuts.back()]));
    cuts.push_back(cut);
  }
  return cuts;
}

}  // namespace tandem

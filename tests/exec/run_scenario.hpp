#pragma once
// Small training jobs for tests of real runs: two models, cut evenly, under any schedule.

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "exec/run.hpp"
#include "plan/lower.hpp"
#include "tests/plan/suitable_schedules.hpp"

namespace tandem {

/// Residual edges cross every cut but the outer ones; 3,220 parameters.
inline Model small_mlp() {
  const auto linear = [](const std::string& name, double features, std::vector<std::string> inputs = {}) {
    return LayerDefinition{.name = name, .kind = "linear", .attributes = {{"features", features}, {"deviation", 0.2}},
                           .inputs = std::move(inputs)};
  };
  return Model("small-mlp", {{.name = "x", .kind = "values", .attributes = {{"features", 12}}},
                             {.name = "targets", .kind = "target_values", .attributes = {{"features", 4}}},
                             linear("a", 32, {"x"}),
                             {.name = "a.relu", .kind = "relu"},
                             linear("b", 32),
                             {.name = "b.relu", .kind = "relu"},
                             {.name = "sum", .kind = "residual_add", .inputs = {"a.relu", "b.relu"}},
                             linear("c", 16),
                             {.name = "c.relu", .kind = "relu"},
                             linear("y", 4),
                             {.name = "loss", .kind = "mean_squared_error", .inputs = {"y", "targets"}}});
}

/// Two transformer blocks of width 16 on 8 bytes of text; the output projection is tied to the embedding.
inline Model small_gpt() {
  std::vector<LayerDefinition> layers{
      {.name = "tokens", .kind = "tokens", .attributes = {{"sequence", 8}, {"vocabulary", 256}}},
      {.name = "targets", .kind = "target_tokens", .attributes = {{"sequence", 8}}},
      {.name = "wte", .kind = "token_embedding", .attributes = {{"vocabulary", 256}, {"hidden", 16}}, .inputs = {"tokens"}},
      {.name = "wpe", .kind = "position_embedding"}};
  std::string before = "wpe";
  for (const std::string block : {"h.0.", "h.1."}) {
    const auto linear = [&](const std::string& name, double features) {
      layers.push_back({.name = block + name, .kind = "linear", .attributes = {{"features", features}}});
    };
    const auto add = [&](const std::string& name, const std::string& first, const std::string& second) {
      layers.push_back({.name = block + name, .kind = "residual_add", .inputs = {first, block + second}});
    };
    layers.push_back({.name = block + "ln_1", .kind = "layer_norm", .inputs = {before}});
    linear("qkv", 48);
    layers.push_back({.name = block + "core", .kind = "attention", .attributes = {{"heads", 2}}});
    linear("proj", 16);
    add("add_1", before, "proj");
    layers.push_back({.name = block + "ln_2", .kind = "layer_norm"});
    linear("fc", 64);
    layers.push_back({.name = block + "gelu", .kind = "gelu"});
    linear("out", 16);
    add("add_2", block + "add_1", "out");
    before = block + "add_2";
  }
  layers.push_back({.name = "ln_f", .kind = "layer_norm"});
  layers.push_back({.name = "lm_head", .kind = "linear", .attributes = {{"features", 256}, {"bias", 0}}, .tie = "wte.weight"});
  layers.push_back({.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"lm_head", "targets"}});
  return Model("small-gpt", layers);
}

inline Dataset small_data(const Model& model) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the quick brown fox jumps over the lazy dog; ";
  return Dataset(model, text, 7);
}

/// `ranks` stages of about as many layers each.
inline std::vector<std::size_t> even_cuts(const Model& model, std::size_t ranks) {
  std::vector<std::size_t> cuts;
  for (std::size_t rank = 1; rank < ranks; ++rank) {
    std::size_t cut = rank * model.layer_count() / ranks;
    while (!model.may_cut(cut) || (!cuts.empty() && cut <= cuts.back())) ++cut;
    cuts.push_back(cut);
  }
  return cuts;
}

struct Job {
  std::string schedule = "1f1b";
  std::size_t ranks = 2;
  std::int64_t micro_batches = 4;
  std::int64_t micro_batch_size = 3;
  std::int64_t window = 2;
  Optimizer optimizer{};
};

inline Program program_of(const Model& model, const Job& job) {
  Plan plan;
  plan.schedule = job.schedule;
  plan.pipeline = static_cast<std::int64_t>(job.ranks);
  plan.micro_batches = job.micro_batches;
  plan.micro_batch_size = job.micro_batch_size;
  plan.window = job.window;
  plan.optimizer = job.optimizer;
  plan.precision = model.stored();
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < job.ranks; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, even_cuts(model, stage_count(plan)), devices);
}

/// The first step of that kind, worker and micro-batch.
inline StepId find_step(const Program& program, StepKind kind, std::uint32_t worker, std::uint32_t micro_batch = 0) {
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    if (program.step(id).kind == kind && index_of(program.worker_of(id)) == worker &&
        program.step(id).micro_batch == micro_batch)
      return id;
  }
  throw std::out_of_range("no such step");
}

template <class Error>
std::string message_from(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Both ways to run a Program.
using AnyRide = RunResult (*)(const Program&, const Model&, const Dataset&, const RunOptions&);
inline constexpr AnyRide kRides[] = {run_on_threads, run_on_one_thread};

/// The small network on two stages.
struct Fixture {
  Model model = small_mlp();
  Dataset dataset = small_data(model);
  Program program = program_of(model, {.ranks = 2});
};

}  // namespace tandem

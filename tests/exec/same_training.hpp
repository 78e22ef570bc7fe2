#pragma once
// Runs that must not change a bit: plans lowered evenly, trained, held to the numbers of another run and to their script.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "plan/memory_script.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

namespace tandem {

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(
      a, b, [](float x, float y) { return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y); });
}

inline bool same_bits(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same_bits(x, y); });
}

/// Four micro-batches of three samples; buckets that the small models have several of.
inline Plan plan_of(std::size_t ranks, const std::string& schedule = "1f1b") {
  Plan plan;
  plan.schedule = schedule;
  plan.pipeline = static_cast<std::int64_t>(ranks);
  plan.micro_batches = 4;
  plan.micro_batch_size = 3;
  plan.bucket = Bytes{2000};
  return plan;
}

/// Verified.
inline Program lowered(const Plan& plan, const Model& model) {
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < plan.pipeline; ++i) devices.push_back(static_cast<DeviceId>(i));
  const Program program = lower(plan, model, even_cuts(model, static_cast<std::size_t>(stage_count(plan))), devices);
  verify(program);
  return program;
}

inline RunResult trained(const Plan& plan, const Model& model, const Dataset& dataset) {
  return run_on_threads(lowered(plan, model), model, dataset, {.iterations = 3, .optimizer = plan.optimizer});
}

/// Losses, gradients and weights of `want`, in the memory of the Program's script.
inline void require_same_training(const Program& program, const RunResult& want, const Model& model,
                                  const Dataset& dataset, const RunOptions& options) {
  const RunResult got = run_on_threads(program, model, dataset, options);
  CHECK(got.losses == want.losses);
  CHECK(same_bits(got.gradients, want.gradients));
  CHECK(same_bits(got.weights, want.weights));
  for (const Timeline& timeline : got.timelines) CHECK(timeline.peaks == script_peaks(program));
}

/// As trained() does.
inline void require_same_training(const Plan& plan, const RunResult& want, const Model& model,
                                  const Dataset& dataset) {
  require_same_training(lowered(plan, model), want, model, dataset, {.iterations = 3, .optimizer = plan.optimizer});
}

}  // namespace tandem

#pragma once
// The deepest model of a family that trains on given devices, by technique: as in Table 1 of GPipe (1811.06965).

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/model_text.hpp"
#include "tools/console.hpp"
#include "tools/device_memory.hpp"

namespace tandem {

/// A way to make a larger model fit. All train on the same samples per iteration.
struct FitTechnique {
  std::string_view name;
  /// The plan with the technique. `asked`: what the user's plan says of it. None: not on this cluster.
  std::optional<Plan> (*apply)(const Plan& plan, const Plan& asked, const Cluster& cluster);
};
/// The rows of the table: where a new technique joins. "All together" applies them one after the other.
std::span<const FitTechnique> fit_techniques();

/// The plan without any technique: one worker, one micro-batch of all the samples.
Plan plain_plan(const Plan& asked);

struct FitRow {
  std::string technique;
  Plan plan;
  std::int64_t depth = 0;       ///< repetitions of the block; 0: not even one fits
  bool at_limit = false;        ///< deeper models were not tried
  std::string refusal{};        ///< why the technique suits no depth; the rest is empty then
  std::int64_t parameters = 0;  ///< of that model (of one block where none fits)
  MemoryPeak peak{};            ///< by class at the instant of the peak of the tightest device's largest worker
  DeviceNeed tightest{};
};

/// Models of more layers than this are not tried.
inline constexpr std::size_t kDeepest = 4'000;
/// Nor plans of more steps an iteration than this, so that the search ends soon.
inline constexpr std::int64_t kMostFitSteps = 500'000;

/// For plain, each technique alone, and all together: by doubling the depth, then bisection, each time with the bytes
/// of the whole job counted. Assumes that a deeper model needs no less.
std::vector<FitRow> largest_models(const ModelFamily& family, const Plan& asked, const Cluster& cluster,
                                   const CostModel& costs, Console& console);

std::string fit_text(const std::vector<FitRow>& rows, const Plan& asked, const Cluster& cluster);
nlohmann::ordered_json fit_json(const std::vector<FitRow>& rows);

}  // namespace tandem

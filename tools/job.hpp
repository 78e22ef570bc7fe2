#pragma once
// A job: a plan with everything that it names loaded, partitioned and lowered; what every command starts from.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hardware_profiles/cluster.hpp"
#include "exec/whole_model.hpp"
#include "hardware_profiles/cost.hpp"
#include "models/dataset.hpp"
#include "plan/automatic_schedule.hpp"
#include "plan/plan.hpp"
#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "timeline/metrics.hpp"

namespace tandem {

/// A schedule that `auto` tried: made into a job of its own and simulated.
struct ScheduleTrial {
  std::string schedule;
  Picoseconds iteration{};     ///< predicted
  std::int64_t lacking = 0;    ///< bytes of the device that lacks most; 0: it fits
  std::string refusal{};       ///< why the schedule does not suit; the rest is empty then
  bool fits() const { return refusal.empty() && lacking == 0; }
};

struct Job {
  Plan plan;
  std::unique_ptr<const Model> model;
  Cluster cluster;
  std::vector<DeviceId> devices;   ///< by rank
  std::vector<std::size_t> cuts;   ///< given by the plan, or found by the partitioner
  Program program;
  std::optional<FoundSchedule> found;  ///< where the plan's order was searched for
  std::vector<ScheduleTrial> trials;   ///< where the plan's schedule was `auto`: what it was chosen from
};

/// What a job is wanted for. A prediction needs no training data; what the plan names is looked at all the same.
enum class Purpose : std::uint8_t { predict, train };

/// Throws InputError where the plan names something that is not there or does not suit, or where the mesh does not
/// divide the model or fit on the cluster: before any long work. How many fit on this machine is left to make_job().
void require_valid(const Plan& plan, Purpose purpose = Purpose::train);

/// The plan with a split that is `best` written out as names of rules (best_layouts()); other plans as they are. All
/// tensor groups are taken for as good as the first.
Plan settle_layouts(const Plan& plan, const Model& model, const Cluster& cluster, const CostModel& costs);

/// The model that the plan names, stored as the plan says.
Model load_planned_model(const Plan& plan);

/// How schedules are searched and compared.
struct JobOptions {
  std::uint64_t search_effort = AutomaticOptions{}.effort;  ///< of each search
  NetworkMode network = NetworkMode::shared;
  std::optional<Bytes> worker_memory{};  ///< each worker may hold so much, whatever its device has
  /// Told before each schedule that `auto` tries.
  std::function<void(std::int64_t done, std::int64_t total, std::string_view schedule)> progress{};
};

/// Loads the model, places the ranks, partitions where the plan leaves the cuts open, lowers and verifies. Of a plan whose
/// schedule is `auto` the job of the shortest one that fits, under that one's name (schedule_choice.hpp).
Job make_job(Plan plan, Cluster cluster, const CostModel& costs, const JobOptions& options = {});
/// The same for a model that is loaded already; stored as the plan says, whatever it was.
Job make_job(Plan plan, std::unique_ptr<const Model> model, Cluster cluster, const CostModel& costs,
             const JobOptions& options = {});

/// What the whole model must be trained with to compute what the plan does: the versions of the weights that each
/// micro-batch of all replicas meets.
StaleWeights stale_weights(const Job& job);

/// The plan with the job's cuts and fingerprint written out.
Plan settled_plan(const Job& job);
/// The training data that the plan names; without a name, this tool's own README.
Dataset make_dataset(const Job& job);
MetricsContext metrics_context(const Job& job);

/// `--cost`: measured (the default: kernel tables first, then the roofline) or roofline. Throws InputError.
CostModel cost_model(const std::string& name);

/// Throws NoAnswer where a device cannot hold its workers' peaks: by how much they are too large, when, and the peak by
/// class (device_memory.cpp).
void require_memory(const Job& job);

}  // namespace tandem

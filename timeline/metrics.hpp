#pragma once
// What a timeline amounts to: one function for both rides.

#include <optional>
#include <vector>

#include "timeline/critical_path.hpp"
#include "timeline/idle.hpp"
#include "timeline/steady_state.hpp"
#include "timeline/traffic.hpp"

namespace tandem {

/// What a timeline doesn't know of itself; zero means unknown, and what needs it stays absent.
struct MetricsContext {
  std::int64_t samples = 0;  ///< per iteration
  std::int64_t tokens = 0;   ///< per iteration
  Flops model_flops;         ///< of one iteration, as the model counts them: without recomputation
  FlopsPerSecond peak;       ///< of all devices that the workers live on, together
};

struct WorkerMetrics {
  Picoseconds busy;  ///< of the compute stream
  Picoseconds idle;  ///< busy + idle = makespan
  double bubble = 0;       ///< 1 - busy / makespan
  double own_bubble = 0;   ///< own_bubble_fraction()
  Picoseconds exposed_communication;  ///< idle while one of the worker's messages is in transfer
  Picoseconds other_idle;             ///< the rest of idle
  IdleTimes idle_by_cause{};          ///< adds up to idle
  MemoryPeak peak;
};

struct Metrics {
  Picoseconds iteration;  ///< makespan: from the first start to the last end
  std::optional<double> samples_per_second, tokens_per_second;
  std::optional<double> model_flop_utilisation;  ///< model FLOPs / (iteration x peak)
  std::optional<Joules> energy;                  ///< of all devices
  double bubble = 0;             ///< mean over workers
  double own_bubble = 0;         ///< mean over workers
  std::optional<SteadyState> steady;  ///< where weights are updated while micro-batches are under way
  double compute_imbalance = 1;  ///< busiest worker's busy time / mean; 1: perfectly even
  double memory_imbalance = 1;   ///< largest peak of a worker / mean
  std::vector<WorkerMetrics> workers;  ///< by WorkerId
  Traffic traffic;
  CriticalPath critical_path;
};

Metrics measure(const Program& program, const Timeline& timeline, const MetricsContext& context = {});

}  // namespace tandem

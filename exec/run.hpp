#pragma once
// Rides the Program for real: threads for workers and for streams that overlap them, or all of it on one thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"

namespace tandem {

/// `--pace`: a step ends no sooner than its target after its start.
struct Pacing {
  std::vector<Picoseconds> work{};        ///< by WorkId, scaled already
  std::vector<Picoseconds> channel{};     ///< by ChannelId: latency + transfer
  std::vector<Picoseconds> collective{};  ///< by CollectiveSpecId: all rounds of one member
  std::vector<Picoseconds> copy{};        ///< by CopySpecId: latency + transfer
};

struct RunOptions {
  std::int64_t iterations = 1;
  std::uint64_t seed = 1;
  Optimizer optimizer{};
  std::optional<Pacing> pacing{};
  /// No step of any worker ends for this long: the run is stopped with a report of who waits for what.
  std::chrono::milliseconds stall_after{30'000};
  /// Called on the thread of the step before it runs; tests inject faults here.
  std::function<void(StepId, std::int64_t iteration)> before_step{};
  /// Called before thread `index` (from 0) is made; tests let it throw in the system's place.
  std::function<void(std::size_t index)> before_thread{};
  /// Called by the watchdog with its report before it stops the run. A kernel that never returns cannot be stopped, so
  /// its thread cannot be joined: a tool may print the report here and end the process.
  std::function<void(const std::string& report)> on_stall{};
  /// Called from one thread after each iteration with its loss.
  std::function<void(std::int64_t iteration, float loss)> after_iteration{};
  std::optional<Bytes> device_memory{};  ///< of each worker; a plan that needs more is refused before it runs
  std::int64_t timelines = std::numeric_limits<std::int64_t>::max();  ///< of so many last iterations are kept
  std::optional<std::int64_t> cores{};  ///< threads that may be awake before one that waits sleeps; else the usable cores
  std::stop_token stop{};               ///< an interrupt: the run ends after at most the running kernels
};

struct RunResult {
  std::vector<float> losses;          ///< by iteration: mean over micro-batches (and parts of their samples), summed in order
  std::vector<Timeline> timelines;    ///< of the last iterations, in order; time zero is the iteration's start
  std::vector<std::vector<float>> weights;    ///< by ParameterId, after the last iteration; empty for a tied use
  std::vector<std::vector<float>> gradients;  ///< the same, of the last iteration, ties summed
  std::int64_t thread_count = 0;
};

/// One thread per worker, and one for each of its streams of collectives or copies that overlap its computing. Throws
/// RunError naming worker, step and micro-batch when a kernel throws, a loss is not finite, the run stalls or is
/// interrupted; ResourceError before allocating when memory does not suffice, or when threads cannot be made. All
/// threads are joined before it returns or throws.
RunResult run_on_threads(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options);

/// The same steps with the same kernels on the calling thread in topological_order(). The same errors, but no watchdog.
RunResult run_on_one_thread(const Program& program, const Model& model, const Dataset& dataset,
                            const RunOptions& options);

/// Bytes that the workers' arenas will hold together at their peaks, and what widened tensors take beside them.
Bytes memory_needed(const Program& program);

}  // namespace tandem

#pragma once
// A prediction beside what was measured: order, memory, edges, and times with the spread of the repeated runs.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan/timeline.hpp"

namespace tandem {

/// Quantiles as quantile() defines them.
struct Spread {
  double median = 0, p10 = 0, p90 = 0;
};

struct OrderComparison {
  bool identical = true;  ///< of every stream, in every run
  std::string difference; ///< the first one, in words
};

/// Of the measured runs alone: steps that began before a step that they must wait for had ended (an `after` edge or the
/// stream's order), messages that had arrived before they left, and collectives in which each member needs all the
/// others that one had ended before another began.
struct EdgeComparison {
  std::size_t violated = 0;
  std::string first;      ///< in words
};

struct WorkerMemory {
  MemoryPeak predicted;
  MemoryPeak measured;    ///< of the first run that differs, else of the first run
  bool identical = true;  ///< in every run, every class and the sum
};

struct MemoryComparison {
  bool identical = true;
  std::vector<WorkerMemory> workers;  ///< by WorkerId
};

struct IterationComparison {
  Seconds predicted;
  Spread measured;        ///< seconds, over the runs
  double error = 0;       ///< (predicted - measured median) / measured median
  std::size_t iterations = 0;  ///< measured
};

/// Relative errors, (predicted - measured) / measured, of steps by the median of their durations over the runs.
struct StepErrors {
  std::size_t count = 0;  ///< steps compared: those whose measured median is above zero
  double median = 0;      ///< of the absolute errors
  double p95 = 0;         ///< of the absolute errors
  double bias = 0;        ///< of all steps together: predicted sum / measured sum - 1
};

struct BubbleComparison {
  double predicted = 0;
  double measured = 0;    ///< median over the runs
  double own_predicted = 0, own_measured = 0;  ///< own_bubble_fraction()
};

/// SteadyState in figures that can be laid side by side.
struct SteadyFigures {
  Seconds warm_up, drain;
  std::optional<Seconds> per_micro_batch;  ///< absent where the steady state is empty
  double bubble = 0;
};

struct SteadyComparison {
  SteadyFigures predicted;
  SteadyFigures measured;  ///< medians over the runs
};

/// All steps of one work together: medians over its steps and the runs.
struct WorkTimes {
  Seconds predicted, measured;
  std::optional<Seconds> cpu;  ///< thread CPU time
  std::size_t steps = 0;
};

struct Comparison {
  OrderComparison order;
  EdgeComparison edges;
  MemoryComparison memory;
  IterationComparison iteration;
  StepErrors steps;                 ///< compute steps
  StepErrors messages;              ///< transfers, as the receiver saw them, and collectives
  std::optional<StepErrors> cpu;    ///< compute steps by thread CPU time, where it was recorded
  std::optional<double> cpu_share;  ///< CPU time / wall time of all measured compute steps: below 1, cores were wanting
  std::vector<BubbleComparison> bubble;  ///< by WorkerId
  std::optional<SteadyComparison> steady;  ///< where weights are updated while micro-batches are under way
  std::vector<WorkTimes> works;          ///< by WorkId
};

/// `measured` holds at least one timeline; all are of `program`.
Comparison compare(const Program& program, const Timeline& predicted, std::span<const Timeline> measured);

// The parts of compare(), each for itself.
OrderComparison compare_order(const Program& program, const Timeline& predicted, std::span<const Timeline> measured);
EdgeComparison compare_edges(const Program& program, std::span<const Timeline> measured);
MemoryComparison compare_memory(const Timeline& predicted, std::span<const Timeline> measured);

}  // namespace tandem

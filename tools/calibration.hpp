#pragma once
// Measures this machine: what `tandem calibrate` writes and the simulator reads.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hardware_profiles/host.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"

namespace tandem {

/// Told after each part with the share done, 0 to 100, and what comes next.
using CalibrationProgress = std::function<void(std::int64_t percent, std::string_view next)>;

struct CalibrationOptions {
  std::stop_token stop;            ///< throws RunError between parts when asked for
  CalibrationProgress progress;
  std::string source;              ///< "tandem calibrate, 2026-11-22, AMD EPYC": stands in every group
};

/// Product rates over a grid of shapes, element-wise and copy bandwidth by size, transcendental rate, threads at once,
/// message latency and bandwidth between threads. Takes some ten seconds.
HostProfile calibrate_host(const CalibrationOptions& options);

/// Every kernel of the model for micro-batches of this size, timed in a run of the whole model on one thread, so that
/// caches are as they are in earnest. `rounds` iterations of a few micro-batches; sorted by signature.
std::vector<MeasuredKernel> measure_kernels(const Model& model, const Plan& plan, std::int64_t rounds,
                                            const std::string& text, std::stop_token stop);

/// Adds rows to the device's table, in the place of rows of the same signature.
void merge_kernels(Device& device, const std::vector<MeasuredKernel>& kernels);

// Parts of calibrate_host(), one per file.
ProductRates measure_products();
RateCurve measure_elementwise();
RateCurve measure_copy();
double measure_transcendentals();
Seconds measure_launch_overhead();
/// How much slower than its fair share of the cores a training iteration of the model gets on each of so many threads,
/// each with a copy of its own; `threads` ascending, above 1.
Concurrency measure_concurrency(const Model& model, const Plan& plan, std::int64_t cores,
                                const std::vector<std::int64_t>& threads, std::stop_token stop);
/// How long a thread that computes has its core while as many others want one: the median over two for each core.
Seconds measure_turn(std::int64_t cores, std::stop_token stop);
Link measure_threads_link(std::int64_t cores, std::stop_token stop);

}  // namespace tandem

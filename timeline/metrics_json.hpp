#pragma once
// Metrics and comparisons as JSON, for scripts; times in seconds, memory in bytes, names as in docs and messages.

#include <nlohmann/json_fwd.hpp>

#include "timeline/compare.hpp"
#include "timeline/metrics.hpp"

namespace tandem {

/// An object: iteration_s, throughput, bubble, own_bubble, steady_state, imbalance, workers, channels, pairs,
/// critical_path; null is unknown, or not there.
nlohmann::ordered_json metrics_json(const Program& program, const Metrics& metrics);

/// An object: total, and each buffer class by its name.
nlohmann::ordered_json peak_json(const MemoryPeak& peak);

/// An object: order, edges, memory, iteration, bubble, own_bubble, steady_state, steps, messages, cpu, works. The caller
/// adds what else it knows.
nlohmann::ordered_json comparison_json(const Program& program, const Comparison& comparison);

}  // namespace tandem

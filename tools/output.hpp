#pragma once
// How commands print: results as text or JSON to `out`, files only where none is, traces streamed.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "plan/prices.hpp"
#include "timeline/metrics.hpp"
#include "timeline/ride.hpp"
#include "tools/console.hpp"
#include "tools/job.hpp"
#include "tools/options.hpp"

namespace tandem {

void print_json(Console& console, const nlohmann::ordered_json& json);

/// `--trace FILE`: the rides as a Chrome trace. Does nothing without the flag.
void write_trace(const Arguments& arguments, const Program& program, std::span<const Ride> rides);
/// Refuses early, before any long work, an output file that exists (without --force), that is a folder or an input of
/// the command, or whose folder is missing.
void require_writable(const Arguments& arguments, std::string_view flag);

/// The flags of every command that draws or writes a timeline.
std::vector<Flag> picture_flags();

/// Where the predicted durations came from: work -> source, and how many works each source priced.
nlohmann::ordered_json sources_json(const Program& program, const Prices& prices);
std::string sources_text(const Prices& prices);

/// What the plan is, in an object: model, cluster, mesh, schedule, micro-batches, cuts.
nlohmann::ordered_json plan_json(const Job& job);
/// "gpt-nano on host: pp 2, 1f1b, 8 micro-batches of 4".
std::string plan_text(const Job& job);

/// Iteration, throughput, bubble, memory and energy in a few lines.
std::string metrics_text(const Program& program, const Metrics& metrics);

/// "12.3 ms" of a time.
std::string time_text(Seconds time);

}  // namespace tandem

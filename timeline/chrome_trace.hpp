#pragma once
// Timelines as Chrome trace JSON, which chrome://tracing and ui.perfetto.dev open.

#include <functional>
#include <span>
#include <string_view>

#include "timeline/ride.hpp"

namespace tandem {

/// Takes the next piece of a text that is written as it grows; pieces are about 64 KiB.
using TextSink = std::function<void(std::string_view)>;

/// A process for each ride and worker ("predicted / stage 0"), a thread for each of its streams; steps are slices,
/// messages arrows from the send to the receive, memory a counter for each buffer class. Microseconds with three
/// decimals, from the first instant of each ride; ends are rounded, not lengths, so that slices of a stream never
/// overlap.
void write_chrome_trace(const Program& program, std::span<const Ride> rides, const TextSink& sink);

}  // namespace tandem

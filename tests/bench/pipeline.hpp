#pragma once
// The pipeline that the simulators are timed on: a chain of equal layers, one per stage, under 1F1B.

#include <cstdint>

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem::bench {

/// Times of one stage and one message, in picoseconds; every SimGrid actor and every step of ours uses these.
struct PipelineTimes {
  std::int64_t forward = 1'000'000'000, backward = 2'000'000'000;
  std::int64_t latency = 5'000'000, transfer = 40'000'000;
  std::int64_t spread = 0;  ///< added per stage, so that no two stages end together
};

/// lower() of the chain: buffers, windows and edges as a real plan has them.
Program lower_pipeline(std::uint32_t stages, std::uint32_t micro_batches);
/// Exclusive devices; one link per channel.
Prices price_pipeline(const Program& program, const PipelineTimes& times);

}  // namespace tandem::bench

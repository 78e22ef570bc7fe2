#pragma once
// Small pipelines with worked times, for the tests of timeline/.

#include "plan/program.hpp"
#include "plan/timeline.hpp"

namespace tandem {

constexpr Picoseconds microseconds(std::int64_t count) { return {count * 1'000'000}; }

/// Sizes of the buffers of every stage of gpipe_program().
inline constexpr Bytes kWeightBytes{100}, kStashBytes{10}, kMessageBytes{8};

/// GPipe: per stage all F, all B, then the update; activations and their gradients travel as messages. A stage holds
/// its weights throughout, and a stash for each micro-batch from the start of F to the end of B.
/// With two stages and two micro-batches the steps are numbered
///   stage 0: 0 F0, 1 F1, 2 B0, 3 B1, 4 update; sends forward 5, 6; receives backward 7, 8;
///   stage 1: 9 F0, 10 F1, 11 B0, 12 B1, 13 update; receives forward 14, 15; sends backward 16, 17.
Program gpipe_program(std::uint32_t stages, std::uint32_t micro_batches);

struct Times {
  Picoseconds forward, backward, message, update;
};

/// Every step as early as its stream and its edges allow, each kind with its own duration.
///
/// Two stages, two micro-batches, F 2 us, B 4 us, message 1 us, update 1 us:
///   stage 0: F 0-2, 2-4;          B 12-16, 16-20; update 20-21
///   stage 1: F 3-5, 5-7; B 7-11, 11-15; update 15-16
///   activations 2-3, 4-5; gradients 11-12, 15-16
Timeline ride(const Program& program, const Times& times);
inline constexpr Times kWorkedTimes{microseconds(2), microseconds(4), microseconds(1), microseconds(1)};

/// The steps, spans and peaks of the timeline, but each step `factor` times as late and as long.
Timeline stretched(Timeline timeline, std::int64_t factor);

}  // namespace tandem

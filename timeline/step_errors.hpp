#pragma once
// How far predicted durations of steps are from measured ones.

#include "timeline/compare.hpp"

namespace tandem {

/// What a step's duration is taken from in the measured runs.
enum class Clock { wall, cpu };

/// Compute steps.
StepErrors compute_errors(const Program& program, const Timeline& predicted, std::span<const Timeline> measured,
                          Clock clock);
/// Messages, by the spans of their receives, and collectives, by those of each member.
StepErrors message_errors(const Program& program, const Timeline& predicted, std::span<const Timeline> measured);
std::vector<WorkTimes> work_times(const Program& program, const Timeline& predicted,
                                  std::span<const Timeline> measured);
/// CPU time / wall time of all compute steps of all runs together; needs recorded CPU times.
double cpu_share(const Program& program, std::span<const Timeline> measured);
bool has_cpu_times(std::span<const Timeline> measured);

}  // namespace tandem

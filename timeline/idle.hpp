#pragma once
// Why a worker's compute stream stood still: every idle picosecond of an iteration has one cause.

#include <array>
#include <functional>
#include <string_view>

#include "timeline/worker_view.hpp"

namespace tandem {

enum class IdleCause : std::uint8_t {
  start,           ///< before the worker's first F, B, I or W: the pipeline fills
  forward_input,   ///< the next step needed activations that had not arrived
  backward_input,  ///< the next step needed gradients that had not arrived
  tied_gradient,   ///< the next step needed the gradient of a tied parameter's other use
  own_sends,       ///< the next step needed room that a message of this worker still held
  collective,      ///< the next step needed the result of a collective
  offload,         ///< the next step needed what a copy brings, or room that one leaves
  other,           ///< all that the next step needed was there: the cost of waking up, or of a busy machine
  drain,           ///< after the worker's last compute step: the others finish
};
std::string_view name_of(IdleCause cause);
inline constexpr std::size_t kIdleCauses = 9;

using IdleTimes = std::array<Picoseconds, kIdleCauses>;

/// Calls `visit` for the idle spans of the worker's compute stream within the iteration, in the order of time. A gap
/// before a step is charged to the `after` edge that ended last, up to that end, and the rest of it to `other`.
void for_each_idle(const Program& program, const Timeline& timeline, WorkerId worker, const Span& iteration,
                   const std::function<void(const Span&, IdleCause)>& visit);

/// The sums by cause; together they are the makespan less the worker's busy time.
IdleTimes idle_times(const Program& program, const Timeline& timeline, WorkerId worker, const Span& iteration);

}  // namespace tandem

#include "plan/precedence.hpp"

#include <algorithm>

namespace tandem {

Precedence::Precedence(const Program& program)
    : program_(program), waits_for_(program.step_count(), 0), awaited_by_(program.step_count(), kNever) {
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    for (const StepId earlier : program.after(static_cast<StepId>(i))) note_edge(earlier, static_cast<StepId>(i));
  for (const Stream& stream : program.streams())
    if (stream.kind != StreamKind::compute) spread_along(stream);
}

bool Precedence::on_compute(StepId id) const {
  return program_.stream(program_.step(id).stream).kind == StreamKind::compute;
}

void Precedence::note_edge(StepId earlier, StepId later) {
  if (program_.worker_of(earlier) != program_.worker_of(later) || on_compute(earlier) == on_compute(later)) return;
  const std::uint32_t early = index_of(earlier), late = index_of(later);
  if (on_compute(later)) awaited_by_[early] = std::min(awaited_by_[early], late);
  if (on_compute(earlier)) waits_for_[late] = std::max(waits_for_[late], early + 1);
}

/// A step starts after all that steps before it on its stream waited for, and ends before all that waits for later
/// ones.
void Precedence::spread_along(const Stream& stream) {
  const std::uint32_t first = index_of(stream.first), end = first + stream.count;
  for (std::uint32_t i = first + 1; i < end; ++i) waits_for_[i] = std::max(waits_for_[i], waits_for_[i - 1]);
  for (std::uint32_t i = end; i-- > first + 1;) awaited_by_[i - 1] = std::min(awaited_by_[i - 1], awaited_by_[i]);
}

bool Precedence::before(StepId early, StepId late) const {
  if (program_.step(early).stream == program_.step(late).stream) return early < late;
  if (on_compute(early)) return waits_for_[index_of(late)] > index_of(early);
  if (on_compute(late)) return awaited_by_[index_of(early)] <= index_of(late);
  if (awaited_by_[index_of(early)] < waits_for_[index_of(late)]) return true;  // a compute step lies between them
  const auto after = program_.after(late);
  return std::any_of(after.begin(), after.end(), [&](StepId step) {
    return step == early || (program_.step(step).stream == program_.step(early).stream && early < step);
  });
}

}  // namespace tandem

#include "timeline/critical_path.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

class LastEnder {
 public:
  explicit LastEnder(const Timeline& timeline, Picoseconds limit = Picoseconds{kForever})
      : timeline_(timeline), limit_(limit) {}
  void offer(StepId step) {
    if (end_of(step) > limit_) return;
    const bool better = !best_ || end_of(step) > end_of(*best_) || (end_of(step) == end_of(*best_) && step < *best_);
    if (better) best_ = step;
  }
  std::optional<StepId> best() const { return best_; }

 private:
  Picoseconds end_of(StepId step) const { return timeline_.spans[index_of(step)].end; }
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

  const Timeline& timeline_;
  Picoseconds limit_;  ///< later ends are not considered
  std::optional<StepId> best_;
};

void offer_predecessors(const Program& program, StepId step, LastEnder& last) {
  const Stream& stream = program.stream(program.step(step).stream);
  if (step != stream.first) last.offer(static_cast<StepId>(index_of(step) - 1));
  for (const StepId earlier : program.after(step)) last.offer(earlier);
}

/// Members of a collective may end before others have come: what those waited for cannot have held this one up.
std::optional<StepId> predecessor(const Program& program, const Timeline& timeline, StepId step) {
  const StepKind kind = program.step(step).kind;
  if (kind == StepKind::collective) {
    LastEnder last(timeline, timeline.spans[index_of(step)].end);
    for (const CollectiveMember& member : program.members(program.collective(step)))
      offer_predecessors(program, member.step, last);
    return last.best();
  }
  LastEnder last(timeline);
  if (is_compute(kind) || is_copy(kind)) {
    offer_predecessors(program, step, last);
    return last.best();
  }
  offer_predecessors(program, program.message(step).send, last);
  offer_predecessors(program, program.message(step).receive, last);
  return last.best();
}

std::optional<StepId> last_step(const Timeline& timeline) {
  LastEnder last(timeline);
  for (std::uint32_t i = 0; i < timeline.spans.size(); ++i) last.offer(static_cast<StepId>(i));
  return last.best();
}

}  // namespace

CriticalPath critical_path(const Program& program, const Timeline& timeline) {
  CriticalPath path;
  const Span iteration = extent_of(timeline);
  Picoseconds charged = iteration.end;  // everything from here on is charged
  const auto charge_down_to = [&charged, &iteration](Picoseconds time, Picoseconds& account) {
    const Picoseconds until = std::max(std::min(time, charged), iteration.start);
    account += charged - until;
    charged = until;
  };
  for (auto step = last_step(timeline); step; step = predecessor(program, timeline, *step)) {
    invariant(path.steps.size() < program.step_count(), "a critical path visits no step twice");
    path.steps.push_back(*step);
    const Span& span = timeline.spans[index_of(*step)];
    charge_down_to(span.end, path.waiting);
    charge_down_to(span.start, is_compute(program.step(*step).kind) ? path.compute : path.transfer);
  }
  charge_down_to(iteration.start, path.waiting);
  std::reverse(path.steps.begin(), path.steps.end());
  return path;
}

}  // namespace tandem

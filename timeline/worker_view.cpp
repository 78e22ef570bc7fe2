#include "timeline/worker_view.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

const Span& span_of(const Timeline& timeline, StepId step) { return timeline.spans[index_of(step)]; }

void append_spans(const Timeline& timeline, const Stream& stream, std::vector<Span>& spans) {
  const auto first = timeline.spans.begin() + index_of(stream.first);
  spans.insert(spans.end(), first, first + stream.count);
}

/// Streams are sorted by worker.
std::span<const Stream> streams_of(const Program& program, WorkerId worker) {
  const auto [first, last] = std::ranges::equal_range(program.streams(), worker, {}, &Stream::worker);
  return {first, last};
}

}  // namespace

Span extent_of(const Timeline& timeline) {
  if (timeline.spans.empty()) return {};
  Span extent = timeline.spans.front();
  for (const Span& span : timeline.spans) {
    extent.start = std::min(extent.start, span.start);
    extent.end = std::max(extent.end, span.end);
  }
  return extent;
}

std::vector<StepId> compute_steps_by_start(const Program& program, const Timeline& timeline, WorkerId worker) {
  const Stream& stream = program.stream(program.workers()[index_of(worker)].compute);
  std::vector<StepId> steps(stream.count);
  for (std::uint32_t i = 0; i < stream.count; ++i) steps[i] = static_cast<StepId>(index_of(stream.first) + i);
  const auto earlier = [&](StepId a, StepId b) { return span_of(timeline, a).start < span_of(timeline, b).start; };
  if (!std::is_sorted(steps.begin(), steps.end(), earlier)) std::stable_sort(steps.begin(), steps.end(), earlier);
  return steps;
}

Intervals busy_intervals(const Program& program, const Timeline& timeline, WorkerId worker) {
  invariant(timeline.spans.size() == program.step_count(), "the timeline is one of this program");
  std::vector<Span> spans;
  append_spans(timeline, program.stream(program.workers()[index_of(worker)].compute), spans);
  return united(std::move(spans));
}

Intervals transfer_intervals(const Program& program, const Timeline& timeline, WorkerId worker) {
  std::vector<Span> spans;
  for (const Stream& stream : streams_of(program, worker))
    if (stream.kind != StreamKind::compute && stream.kind != StreamKind::host) append_spans(timeline, stream, spans);
  return united(std::move(spans));
}

double bubble_fraction(Picoseconds busy, Picoseconds makespan) {
  if (makespan.count == 0) return 0;
  return 1 - static_cast<double>(busy.count) / static_cast<double>(makespan.count);
}

double own_bubble_fraction(const Intervals& busy) {
  return busy.empty() ? 0 : bubble_fraction(total(busy), busy.back().end - busy.front().start);
}

std::vector<Bubbles> bubble_fractions(const Program& program, const Timeline& timeline) {
  const Picoseconds makespan = length_of(extent_of(timeline));
  std::vector<Bubbles> fractions;
  for (std::uint32_t i = 0; i < program.workers().size(); ++i) {
    const Intervals busy = busy_intervals(program, timeline, static_cast<WorkerId>(i));
    fractions.push_back({bubble_fraction(total(busy), makespan), own_bubble_fraction(busy)});
  }
  return fractions;
}

}  // namespace tandem

#include "timeline/steady_state.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

/// What one worker's compute stream says of the pipeline.
struct WorkerStream {
  std::vector<Picoseconds> backwards;  ///< starts, one for each micro-batch
  std::size_t drained = 0;             ///< the first of them after the last forward; their number where there is none
};

bool begins_backward(StepKind kind) { return kind == StepKind::backward || kind == StepKind::input_gradient; }

WorkerStream stream_of(const Program& program, const Timeline& timeline, WorkerId worker) {
  WorkerStream stream;
  std::uint32_t last = ~0u;
  for (const StepId step : compute_steps_by_start(program, timeline, worker)) {
    const Step& of = program.step(step);
    if (of.kind == StepKind::forward) stream.drained = stream.backwards.size();
    if (!begins_backward(of.kind) || of.micro_batch == last) continue;
    stream.backwards.push_back(timeline.spans[index_of(step)].start);
    last = of.micro_batch;
  }
  invariant(!stream.backwards.empty(), "a worker that updates its weights runs backwards");
  return stream;
}

double bubble_within(const Program& program, const Timeline& timeline, const Span& window) {
  double sum = 0;
  const auto workers = static_cast<std::uint32_t>(program.workers().size());
  for (std::uint32_t worker = 0; worker < workers; ++worker)
    sum += bubble_fraction(overlap(busy_intervals(program, timeline, WorkerId{worker}), {window}), length_of(window));
  return sum / workers;
}

}  // namespace

std::optional<Picoseconds> SteadyState::time_per_micro_batch() const {
  if (micro_batches == 0) return {};
  return Picoseconds{steady.count / micro_batches};
}

std::optional<SteadyState> steady_state(const Program& program, const Timeline& timeline) {
  if (program.updates() == 1) return {};
  std::vector<WorkerStream> streams;
  for (std::uint32_t worker = 0; worker < program.workers().size(); ++worker)
    streams.push_back(stream_of(program, timeline, WorkerId{worker}));
  const Span iteration = extent_of(timeline);
  const WorkerStream* filled = &streams.front();
  Picoseconds until = iteration.end;
  for (const WorkerStream& stream : streams) {
    if (stream.backwards.front() > filled->backwards.front()) filled = &stream;
    if (stream.drained < stream.backwards.size()) until = std::min(until, stream.backwards[stream.drained]);
  }
  const Picoseconds from = filled->backwards.front();
  const Span window{from, std::max(from, until)};
  SteadyState state{from - iteration.start, length_of(window), iteration.end - window.end};
  state.micro_batches = static_cast<std::uint32_t>(std::ranges::lower_bound(filled->backwards, window.end) -
                                                   filled->backwards.begin());
  if (state.micro_batches > 0) state.bubble = bubble_within(program, timeline, window);
  return state;
}

}  // namespace tandem

#include "tests/timeline/pipeline.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "plan/memory_script.hpp"
#include "plan/program_builder.hpp"

namespace tandem {
namespace {

class GpipeBuilder {
 public:
  GpipeBuilder(std::uint32_t stages, std::uint32_t micro_batches) : stages_(stages), micro_batches_(micro_batches) {
    for (std::uint32_t s = 0; s < stages; ++s) builder_.add_worker(fmt::format("stage {}", s), s, DeviceId{s});
    segment_ = builder_.add_segment({});
  }

  Program build() && {
    inputs_.resize(micro_batches_, kNone<MessageId>);
    for (std::uint32_t s = 0; s < stages_; ++s) add_forward(s);
    inputs_.assign(micro_batches_, kNone<MessageId>);
    for (std::uint32_t s = stages_; s-- > 0;) add_backward(s);
    for (std::uint32_t s = 0; s < stages_; ++s) add_update(s);
    return std::move(builder_).finish(micro_batches_);
  }

 private:
  void add_forward(std::uint32_t s) {
    const WorkId work = builder_.add_work({StepKind::forward, WorkerId{s}, segment_});
    const bool sends = s + 1 < stages_;
    const ChannelId channel =
        sends ? add_channel(s, s + 1, BufferContent::outbox, StreamKind::send_forward) : ChannelId{};
    for (std::uint32_t batch = 0; batch < micro_batches_; ++batch) {
      const StepId step = add_step(work, batch);
      const BufferSpec stash{WorkerId{s}, segment_, BufferClass::stash, BufferContent::saved, kStashBytes};
      stashes_.push_back(builder_.add_buffer(stash, batch));
      builder_.allocate(stashes_.back(), step, Moment::start);
      if (sends) send(channel, batch, step);
    }
  }
  void add_backward(std::uint32_t s) {
    const WorkId work = builder_.add_work({StepKind::backward, WorkerId{s}, segment_});
    const bool sends = s > 0;
    const ChannelId channel =
        sends ? add_channel(s, s - 1, BufferContent::gradient_outbox, StreamKind::send_backward) : ChannelId{};
    for (std::uint32_t batch = 0; batch < micro_batches_; ++batch) {
      const StepId step = add_step(work, batch);
      builder_.release(stashes_[std::size_t{s} * micro_batches_ + batch], step, Moment::end);
      if (sends) send(channel, batch, step);
    }
  }
  void add_update(std::uint32_t s) {
    builder_.add_compute(builder_.add_work({StepKind::update, WorkerId{s}, segment_}), 0);
    builder_.add_buffer({WorkerId{s}, segment_, BufferClass::weight, BufferContent::weights, kWeightBytes}, 0);
  }
  ChannelId add_channel(std::uint32_t from, std::uint32_t to, BufferContent content, StreamKind stream) {
    return builder_.add_channel({WorkerId{from}, WorkerId{to}, kMessageBytes, content, stream});
  }
  StepId add_step(WorkId work, std::uint32_t batch) {
    const StepId step = builder_.add_compute(work, batch);
    if (inputs_[batch] != kNone<MessageId>) builder_.add_after(step, builder_.receive_of(inputs_[batch]));
    inputs_[batch] = kNone<MessageId>;
    return step;
  }
  void send(ChannelId channel, std::uint32_t batch, StepId after) {
    inputs_[batch] = builder_.add_message(channel, batch);
    builder_.add_after(builder_.send_of(inputs_[batch]), after);
  }

  std::uint32_t stages_, micro_batches_;
  ProgramBuilder builder_;
  SegmentId segment_;
  std::vector<MessageId> inputs_;  ///< by micro-batch: what the next stage waits for
  std::vector<BufferId> stashes_;  ///< stage by stage
};

Picoseconds duration_of(StepKind kind, const Times& times) {
  if (kind == StepKind::forward) return times.forward;
  if (kind == StepKind::backward) return times.backward;
  return kind == StepKind::update ? times.update : times.message;
}

class Rider {
 public:
  Rider(const Program& program, const Times& times) : program_(program), times_(times) {
    timeline_.spans.resize(program.step_count());
    timeline_.order.resize(program.step_count());
    timeline_.peaks.resize(program.workers().size());
    for (std::uint32_t i = 0; i < program.step_count(); ++i) timeline_.order[i] = static_cast<StepId>(i);
  }
  Timeline ride() && {
    while (relax()) {
    }
    for (const Worker& worker : program_.workers()) hold_memory(worker);
    return std::move(timeline_);
  }

 private:
  Picoseconds ready(StepId id) const {
    Picoseconds time;
    const Stream& stream = program_.stream(program_.step(id).stream);
    if (id != stream.first) time = timeline_.spans[index_of(id) - 1].end;
    for (const StepId earlier : program_.after(id)) time = std::max(time, timeline_.spans[index_of(earlier)].end);
    return time;
  }
  bool relax() {
    bool changed = false;
    for (std::uint32_t i = 0; i < program_.step_count(); ++i) {
      const auto id = static_cast<StepId>(i);
      const StepKind kind = program_.step(id).kind;
      const bool message = kind == StepKind::send || kind == StepKind::receive;
      const Picoseconds start =
          message ? std::max(ready(program_.message(id).send), ready(program_.message(id).receive)) : ready(id);
      Span& span = timeline_.spans[i];
      const Span now{start, start + duration_of(kind, times_)};
      changed = changed || span.start != now.start || span.end != now.end;
      span = now;
    }
    return changed;
  }
  void hold(Picoseconds time, BufferId id, bool frees) {
    const BufferSpec& spec = program_.spec(id);
    const std::int64_t bytes = frees ? -spec.bytes.count : spec.bytes.count;
    timeline_.memory.push_back({time, bytes, spec.worker, spec.kind});
    const auto kind = static_cast<std::size_t>(spec.kind);
    held_[kind] += bytes;
    MemoryPeak& peak = timeline_.peaks[index_of(spec.worker)];
    peak.by_class[kind].count = std::max(peak.by_class[kind].count, held_[kind]);
    peak.total.count = std::max(peak.total.count, std::accumulate(held_.begin(), held_.end(), std::int64_t{0}));
  }
  void hold_memory(const Worker& worker) {
    held_ = {};
    const Stream& stream = program_.stream(worker.compute);
    for (std::uint32_t i = 0; i < program_.buffers().size(); ++i) {
      const auto id = static_cast<BufferId>(i);
      const bool persistent = program_.buffers()[i].allocated_by == kNone<StepId>;
      if (persistent && program_.spec(id).worker == stream.worker) hold({}, id, false);
    }
    const MemoryScript script(program_);
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i)
      for (const Moment moment : {Moment::start, Moment::end})
        for (const MemoryAction action : script.at(static_cast<StepId>(i), moment)) {
          const Span& span = timeline_.spans[i];
          hold(moment == Moment::start ? span.start : span.end, action.id(), action.frees);
        }
  }

  const Program& program_;
  const Times& times_;
  Timeline timeline_;
  std::array<std::int64_t, kBufferClasses> held_{};
};

}  // namespace

Program gpipe_program(std::uint32_t stages, std::uint32_t micro_batches) {
  return GpipeBuilder(stages, micro_batches).build();
}

Timeline ride(const Program& program, const Times& times) { return Rider(program, times).ride(); }

Timeline stretched(Timeline timeline, std::int64_t factor) {
  for (Span& span : timeline.spans) span = {{span.start.count * factor}, {span.end.count * factor}};
  for (MemoryEvent& event : timeline.memory) event.time.count *= factor;
  return timeline;
}

}  // namespace tandem

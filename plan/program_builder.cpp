#include "plan/program_builder.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace tandem {
namespace {

template <class Id, class Value>
Id append(std::vector<Value>& table, Value value) {
  table.push_back(std::move(value));
  return static_cast<Id>(table.size() - 1);
}

/// Turns (row, value) pairs into compressed rows, keeping the order of insertion within a row.
template <class Pair, class Value, class RowOf, class ValueOf>
void compress(const std::vector<Pair>& pairs, std::size_t rows, RowOf row_of, ValueOf value_of,
              std::vector<std::uint32_t>& offset, std::vector<Value>& values) {
  offset.assign(rows + 2, 0);
  for (const Pair& pair : pairs) ++offset[row_of(pair) + 2];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  values.resize(pairs.size());
  for (const Pair& pair : pairs) values[offset[row_of(pair) + 1]++] = value_of(pair);
  offset.pop_back();
}

}  // namespace

StreamKind mirror(StreamKind send) {
  switch (send) {
    case StreamKind::send_forward: return StreamKind::receive_forward;
    case StreamKind::send_backward: return StreamKind::receive_backward;
    default: return StreamKind::receive_gradient;
  }
}

WorkerId ProgramBuilder::add_worker(std::string name, std::uint32_t rank, DeviceId device, Coordinate at,
                                    std::uint32_t stages) {
  const auto id = append<WorkerId>(workers_, Worker{std::move(name), rank, device, StreamId{}, at, stages});
  workers_.back().compute = stream(id, StreamKind::compute);
  return id;
}

StreamId ProgramBuilder::stream(WorkerId worker, StreamKind kind, std::uint32_t lane) {
  const auto [known, is_new] = known_streams_.try_emplace({worker, kind, lane}, kNone<StreamId>);
  if (is_new) {
    known->second = append<StreamId>(streams_, Stream{worker, kind, StepId{}, 0, lane});
    stream_steps_.emplace_back();
  }
  return known->second;
}

SegmentId ProgramBuilder::add_segment(Segment segment) { return append<SegmentId>(segments_, std::move(segment)); }
WorkId ProgramBuilder::add_work(StepWork work, const std::vector<ParameterRange>& ranges) {
  work.first_range = static_cast<std::uint32_t>(ranges_.size());
  work.range_count = static_cast<std::uint32_t>(ranges.size());
  ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
  return append<WorkId>(works_, work);
}
ChannelId ProgramBuilder::add_channel(Channel channel) {
  channel_streams_.emplace_back(stream(channel.from, channel.send_stream, channel.send_lane),
                                stream(channel.to, mirror(channel.send_stream), channel.receive_lane));
  return append<ChannelId>(channels_, channel);
}

CollectiveSpecId ProgramBuilder::add_collective_spec(CollectiveSpec spec) {
  invariant(spec.members.size() == spec.shape.ranks && spec.payloads.size() == spec.shape.ranks,
            "a collective has a worker and a vector for every rank");
  spec_streams_.emplace_back();
  for (const WorkerId member : spec.members) spec_streams_.back().push_back(stream(member, spec.stream));
  return append<CollectiveSpecId>(collective_specs_, std::move(spec));
}
std::uint32_t ProgramBuilder::add_local_model(std::shared_ptr<const LocalModel> model) {
  local_models_.push_back(std::move(model));
  return static_cast<std::uint32_t>(local_models_.size() - 1);
}

StepId ProgramBuilder::add_step(Step step) {
  const auto id = append<StepId>(steps_, step);
  stream_steps_[index_of(step.stream)].push_back(id);
  return id;
}

StepId ProgramBuilder::add_compute(WorkId work, std::uint32_t micro_batch) {
  const StepWork& row = works_[index_of(work)];
  return add_step({row.kind, stream(row.worker, row.stream), micro_batch, index_of(work)});
}

MessageId ProgramBuilder::add_message(ChannelId channel, std::uint32_t micro_batch) {
  const auto id = append<MessageId>(messages_, Message{channel, StepId{}, StepId{}});
  const auto [from, to] = channel_streams_[index_of(channel)];
  messages_.back().send = add_step({StepKind::send, from, micro_batch, index_of(id)});
  messages_.back().receive = add_step({StepKind::receive, to, micro_batch, index_of(id)});
  return id;
}

CollectiveId ProgramBuilder::add_collective(CollectiveSpecId spec, std::uint32_t micro_batch) {
  const CollectiveSpec& row = collective_specs_[index_of(spec)];
  const auto first = static_cast<std::uint32_t>(members_.size());
  const auto id = append<CollectiveId>(collectives_, Collective{spec, micro_batch, first});
  for (std::uint32_t rank = 0; rank < row.shape.ranks; ++rank)
    members_.push_back(
        {id, add_step({StepKind::collective, spec_streams_[index_of(spec)][rank], micro_batch, first + rank})});
  return id;
}

CopySpecId ProgramBuilder::add_copy_spec(CopySpec spec) { return append<CopySpecId>(copy_specs_, spec); }

StepId ProgramBuilder::add_copy(CopySpecId spec, std::uint32_t micro_batch) {
  const CopySpec& row = copy_specs_[index_of(spec)];
  const StreamKind kind = row.kind == StepKind::copy_out ? StreamKind::copy_out : StreamKind::copy_in;
  return add_step({row.kind, stream(row.worker, kind), micro_batch, index_of(spec)});
}

void ProgramBuilder::add_after(StepId step, StepId earlier) {
  if (steps_[index_of(step)].stream == steps_[index_of(earlier)].stream) {
    invariant(earlier < step, "an edge within a stream follows the stream's order");
    return;  // the stream's order says it already
  }
  edges_.push_back({step, earlier});
}

BufferId ProgramBuilder::add_buffer(BufferSpec spec, std::uint32_t micro_batch) {
  const auto same = [&spec](const BufferSpec& other) {
    return other.worker == spec.worker && other.segment == spec.segment && other.kind == spec.kind &&
           other.content == spec.content && other.bytes == spec.bytes && other.group == spec.group &&
           other.first == spec.first;
  };
  specs_by_worker_.resize(std::max<std::size_t>(specs_by_worker_.size(), index_of(spec.worker) + 1));
  auto& mine = specs_by_worker_[index_of(spec.worker)];
  auto known =
      std::find_if(mine.begin(), mine.end(), [&](BufferSpecId id) { return same(buffer_specs_[index_of(id)]); });
  const BufferSpecId row = known != mine.end() ? *known : append<BufferSpecId>(buffer_specs_, spec);
  if (known == mine.end()) mine.push_back(row);
  moments_.push_back({Moment::start, Moment::end});
  return append<BufferId>(buffers_, Buffer{row, micro_batch, kNone<StepId>, kNone<StepId>});
}

void ProgramBuilder::allocate(BufferId buffer, StepId step, Moment moment) {
  buffers_[index_of(buffer)].allocated_by = step;
  moments_[index_of(buffer)].allocated = moment;
}

void ProgramBuilder::release(BufferId buffer, StepId step, Moment moment) {
  buffers_[index_of(buffer)].freed_by = step;
  moments_[index_of(buffer)].freed = moment;
}

void ProgramBuilder::use(StepId step, BufferId buffer, Access access) {
  uses_.push_back({step, BufferUse{index_of(buffer) & 0x3fffffffu, static_cast<std::uint32_t>(access) & 3u}});
}

void ProgramBuilder::reserve(std::size_t steps) {
  steps_.reserve(steps);
  edges_.reserve(steps + steps / 2);
  uses_.reserve(3 * steps);
  buffers_.reserve(steps);
  moments_.reserve(steps);
}

/// Streams sorted by worker and kind; returns the new id of each step.
std::vector<StepId> ProgramBuilder::renumber(Program& program) {
  std::vector<std::uint32_t> order(streams_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    const Stream &first = streams_[a], &second = streams_[b];
    return std::tie(first.worker, first.kind, first.lane) < std::tie(second.worker, second.kind, second.lane);
  });
  std::vector<StepId> renamed(steps_.size());
  program.steps_.reserve(steps_.size());
  for (const std::uint32_t old : order) {
    const auto id = static_cast<StreamId>(program.streams_.size());
    auto& steps = stream_steps_[old];
    program.streams_.push_back({streams_[old].worker, streams_[old].kind, static_cast<StepId>(program.steps_.size()),
                                static_cast<std::uint32_t>(steps.size()), streams_[old].lane});
    for (const StepId step : steps) {
      renamed[index_of(step)] = static_cast<StepId>(program.steps_.size());
      program.steps_.push_back(steps_[index_of(step)]);
      program.steps_.back().stream = id;
    }
    if (streams_[old].kind == StreamKind::compute) workers_[index_of(streams_[old].worker)].compute = id;
    steps = {};
  }
  return renamed;
}

Program ProgramBuilder::finish(std::uint32_t micro_batches, std::uint32_t updates) && {
  Program program;
  const std::vector<StepId> renamed = renumber(program);
  const auto rename = [&renamed](StepId& id) {
    if (id != kNone<StepId>) id = renamed[index_of(id)];
  };
  steps_ = {};
  compress(edges_, renamed.size(), [&](const Edge& edge) { return index_of(renamed[index_of(edge.step)]); },
           [&](const Edge& edge) { return renamed[index_of(edge.earlier)]; }, program.after_offset_, program.after_);
  edges_ = {};
  compress(uses_, renamed.size(), [&](const Use& use) { return index_of(renamed[index_of(use.step)]); },
           [](const Use& use) { return use.use; }, program.use_offset_, program.uses_);
  uses_ = {};
  for (Message& message : messages_) rename(message.send), rename(message.receive);
  for (CollectiveMember& member : members_) rename(member.step);
  for (Buffer& buffer : buffers_) rename(buffer.allocated_by), rename(buffer.freed_by);
  program.workers_ = std::move(workers_);
  program.works_ = std::move(works_);
  program.ranges_ = std::move(ranges_);
  program.segments_ = std::move(segments_);
  program.channels_ = std::move(channels_);
  program.messages_ = std::move(messages_);
  program.collective_specs_ = std::move(collective_specs_);
  program.collectives_ = std::move(collectives_);
  program.members_ = std::move(members_);
  program.copy_specs_ = std::move(copy_specs_);
  program.local_models_ = std::move(local_models_);
  program.mesh_ = mesh_;
  program.buffers_ = std::move(buffers_);
  program.moments_ = std::move(moments_);
  program.buffer_specs_ = std::move(buffer_specs_);
  program.micro_batches_ = micro_batches;
  program.updates_ = updates;
  return program;
}

}  // namespace tandem

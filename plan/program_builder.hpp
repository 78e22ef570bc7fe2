#pragma once
// Builds a Program: streams first, then each stream's steps in order, in any interleaving of streams.

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// The kind of stream that receives what this one sends.
StreamKind mirror(StreamKind send);

/// Ids given out while building are stable handles; finish() renumbers steps so that each stream is contiguous, and
/// hands out the finished Program. Step ids passed to and returned by the builder are all building-time ids.
class ProgramBuilder {
 public:
  /// With its compute stream.
  WorkerId add_worker(std::string name, std::uint32_t rank, DeviceId device, Coordinate at = {}, std::uint32_t stages = 1);
  void set_mesh(const Mesh& mesh) { mesh_ = mesh; }
  std::uint32_t add_local_model(std::shared_ptr<const LocalModel> model);  ///< for Segment::local_model
  /// The worker's stream of this kind and lane, made on first use.
  StreamId stream(WorkerId worker, StreamKind kind, std::uint32_t lane = 0);
  SegmentId add_segment(Segment segment);
  WorkId add_work(StepWork work, const std::vector<ParameterRange>& ranges = {});
  ChannelId add_channel(Channel channel);  ///< with lanes of its own

  const LocalModel& local_model(std::uint32_t index) const { return *local_models_[index]; }
  const StepWork& work(WorkId id) const { return works_[index_of(id)]; }
  const CollectiveSpec& spec(CollectiveSpecId id) const { return collective_specs_[index_of(id)]; }

  /// At the end of the worker's stream that the work is of.
  StepId add_compute(WorkId work, std::uint32_t micro_batch);
  /// Adds the two steps of a message, at the ends of the sender's and the receiver's stream (receive streams mirror
  /// send streams). `after_send`: the step that produced it; more edges by add_after.
  MessageId add_message(ChannelId channel, std::uint32_t micro_batch);
  StepId send_of(MessageId message) const { return messages_[index_of(message)].send; }
  StepId receive_of(MessageId message) const { return messages_[index_of(message)].receive; }
  CollectiveSpecId add_collective_spec(CollectiveSpec spec);
  /// Adds a step for each member, at the end of its stream.
  CollectiveId add_collective(CollectiveSpecId spec, std::uint32_t micro_batch);
  StepId step_of(CollectiveId collective, std::uint32_t rank) const {
    return members_[collectives_[index_of(collective)].first_member + rank].step;
  }
  CopySpecId add_copy_spec(CopySpec spec);
  /// At the end of the worker's stream of copies out or in.
  StepId add_copy(CopySpecId spec, std::uint32_t micro_batch);
  /// So far, in order.
  std::span<const StepId> compute_steps(WorkerId worker) const {
    return stream_steps_[index_of(workers_[index_of(worker)].compute)];
  }
  void add_after(StepId step, StepId earlier);

  BufferId add_buffer(BufferSpec spec, std::uint32_t micro_batch);  ///< persistent until told otherwise
  Bytes bytes_of(BufferId buffer) const { return buffer_specs_[index_of(buffers_[index_of(buffer)].spec)].bytes; }
  void allocate(BufferId buffer, StepId step, Moment moment);
  void release(BufferId buffer, StepId step, Moment moment);
  void use(StepId step, BufferId buffer, Access access);

  void reserve(std::size_t steps);
  Program finish(std::uint32_t micro_batches, std::uint32_t updates = 1) &&;

 private:
  StepId add_step(Step step);
  std::vector<StepId> renumber(Program& program);
  std::vector<Step> steps_;
  std::vector<std::vector<StepId>> stream_steps_;
  struct Edge {
    StepId step, earlier;
  };
  struct Use {
    StepId step;
    BufferUse use;
  };
  std::vector<Edge> edges_;
  std::vector<Use> uses_;
  std::vector<Stream> streams_;
  std::vector<Worker> workers_;
  std::vector<StepWork> works_;
  std::vector<ParameterRange> ranges_;
  std::vector<Segment> segments_;
  std::vector<Channel> channels_;
  std::vector<Message> messages_;
  std::vector<CollectiveSpec> collective_specs_;
  std::vector<Collective> collectives_;
  std::vector<CollectiveMember> members_;
  std::vector<CopySpec> copy_specs_;
  std::vector<std::shared_ptr<const LocalModel>> local_models_;
  Mesh mesh_;
  std::vector<Buffer> buffers_;
  std::vector<Program::Moments> moments_;
  std::vector<BufferSpec> buffer_specs_;
  using StreamKey = std::tuple<WorkerId, StreamKind, std::uint32_t>;  ///< worker, kind, lane
  std::map<StreamKey, StreamId> known_streams_;
  std::vector<std::pair<StreamId, StreamId>> channel_streams_;      ///< by ChannelId: of sends, of receives
  std::vector<std::vector<StreamId>> spec_streams_;                 ///< by CollectiveSpecId and rank
  std::vector<std::vector<BufferSpecId>> specs_by_worker_;
};

}  // namespace tandem

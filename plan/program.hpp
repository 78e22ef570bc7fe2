#pragma once
// The Program: a plan lowered to steps, the one thing that both rides read.
//
// 1. A stream's steps run in order; an `after` edge makes a step wait for one of another stream. Nothing else orders
//    them.
// 2. Every buffer of a worker is allocated and freed by steps of that worker's compute stream, and lowering adds the
//    edges that make each freeing step wait for the last reader. So the sequence of allocations of a worker, and with
//    it its peak, is a property of the Program and not of timing: that is why both rides can agree to the byte.
// 3. A message is a send and a receive; it moves when both have been reached (rendezvous), so no byte is held outside
//    the buffer table. So does a collective: its members meet round by round, each in the buffer that it uses.
// A Program is built once by ProgramBuilder, then never changed. It holds one iteration; rides repeat it.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/units.hpp"
#include "hardware_profiles/cluster.hpp"
#include "plan/collective.hpp"
#include "plan/local_model.hpp"
#include "plan/mesh.hpp"
#include "plan/program_kinds.hpp"
#include "plan/segment.hpp"

namespace tandem {

/// One entry of the Program. 16 bytes: programs reach tens of millions.
struct Step {
  StepKind kind;
  StreamId stream;
  std::uint32_t micro_batch;  ///< 0 where it has none
  /// WorkId of a compute step, MessageId of a send or receive, member of a collective, CopySpecId of a copy.
  std::uint32_t object;
};

/// Distinct work of compute steps, and of those of the host's cores: what is priced once and executed by kernels.
struct StepWork {
  StepKind kind;
  WorkerId worker;
  SegmentId segment;
  std::uint32_t part = 0;  ///< of F or B: index into the segment's forward_parts or backward_parts; of a bucket: from 1
  std::uint32_t first_range = 0, range_count = 0;  ///< of the others: Program::ranges()
  StreamKind stream = StreamKind::compute;         ///< or host
};

/// Values of parameters that a step goes through. Weights lie as their gradients do, those of tied uses apart.
struct ParameterRange {
  std::int64_t whole;     ///< bytes from the beginning of the segment's weights, or of its gradients
  std::int64_t own;       ///< bytes into a shard; times the optimizer's states, into its state
  std::int64_t elements;
};

/// Messages of equal size and content between two workers, in order.
struct Channel {
  WorkerId from, to;
  Bytes bytes;
  BufferContent content;  ///< of the sender's buffer: outbox, gradient_outbox or gradients
  StreamKind send_stream;
  std::uint32_t send_lane = 0, receive_lane = 0;  ///< channels on other lanes of a stream never wait for each other
};

struct Message {
  ChannelId channel;
  StepId send, receive;
};

/// Where a collective's vector lies on one of its members: in the buffer of this content that the step uses.
struct CollectivePayload {
  BufferContent content;
  std::int64_t offset = 0;  ///< bytes
  std::uint32_t group = 0;  ///< Placement::group
};

/// Collectives that do the same among the same workers, in order.
struct CollectiveSpec {
  std::string name;                         ///< "h.0.attn.proj all_reduce", "gradients 3 all_reduce"
  CollectiveShape shape;                    ///< of the vector of one micro-batch
  const CollectiveAlgorithm* algorithm = nullptr;
  StreamKind stream = StreamKind::tensor;
  std::vector<WorkerId> members;            ///< by rank in the group
  std::vector<CollectivePayload> payloads;  ///< by rank in the group
};

struct Collective {
  CollectiveSpecId spec;
  std::uint32_t micro_batch;
  std::uint32_t first_member;  ///< index of rank 0's entry in the members' table; the others follow
};

struct CollectiveMember {
  CollectiveId collective;
  StepId step;
};

/// Copies between a device and its host that move as many bytes of the same unit. A copy reads one buffer and writes another
/// of the same size; of weights and gradients that stay on the device, the range that the host's buffer has.
struct CopySpec {
  WorkerId worker;
  StepKind kind;            ///< copy_out or copy_in
  SegmentId segment;
  std::uint32_t group = 0;  ///< of `saved`: Placement::group; of what is streamed: its bucket from 1, or 0: all
  Bytes bytes;
  BufferContent content = BufferContent::saved;
};

/// Buffers of the same worker, size, class, content, group and beginning share a row.
struct BufferSpec {
  WorkerId worker;
  SegmentId segment;
  BufferClass kind;
  BufferContent content;
  Bytes bytes;
  std::uint32_t group = 0;  ///< Placement::group
  /// Of weights or gradients: the byte of the segment's that the buffer begins with; of shards and optimizer states, of
  /// what the worker owns.
  std::int64_t first = 0;
};

/// When, relative to a step, a buffer is allocated or freed. At one instant frees come before allocations, each by id.
enum class Moment : std::uint8_t { start, end };

struct Buffer {
  BufferSpecId spec;
  std::uint32_t micro_batch;
  StepId allocated_by;  ///< kNone: persistent, there before the iteration and after it
  StepId freed_by;      ///< kNone: persistent
};

struct BufferUse {
  std::uint32_t buffer : 30;
  std::uint32_t access : 2;
  BufferId id() const { return static_cast<BufferId>(buffer); }
  Access mode() const { return static_cast<Access>(access); }
};

struct Stream {
  WorkerId worker;
  StreamKind kind;
  StepId first;         ///< the stream's steps are first, first + 1, ...
  std::uint32_t count;
  std::uint32_t lane = 0;  ///< streams of messages: one per channel of the kind
};

struct Worker {
  std::string name;  ///< "stage 0"; "rank 0" where a rank runs several stages, or not its own
  std::uint32_t rank;
  DeviceId device;
  StreamId compute;
  Coordinate at{};     ///< on the mesh
  std::uint32_t stages = 1;  ///< that it runs
};

class Program {
 public:
  std::size_t step_count() const { return steps_.size(); }
  const Step& step(StepId id) const { return steps_[index_of(id)]; }
  std::span<const Step> steps() const { return steps_; }
  std::span<const StepId> after(StepId id) const { return row(after_offset_, after_, id); }
  std::span<const BufferUse> uses(StepId id) const { return row(use_offset_, uses_, id); }
  std::span<const Stream> streams() const { return streams_; }
  const Stream& stream(StreamId id) const { return streams_[index_of(id)]; }
  std::span<const Worker> workers() const { return workers_; }
  WorkerId worker_of(StepId id) const { return stream(step(id).stream).worker; }
  std::span<const StepWork> works() const { return works_; }
  const StepWork& work(StepId compute_step) const { return works_[step(compute_step).object]; }
  /// What the work goes through: of an update all that the worker updates, of other work of shards one bucket. Empty:
  /// the work is of whole buffers.
  std::span<const ParameterRange> ranges(const StepWork& work) const {
    return {ranges_.data() + work.first_range, work.range_count};
  }
  /// What the buffer is to the compute step: two stages of one worker hand tensors over in one buffer, which is the inbox
  /// of the stage that reads it and the outbox of the one that writes it.
  /// An update may read one version of the weights and write the next one.
  BufferContent content_for(StepId compute_step, BufferUse use) const;
  std::span<const Segment> segments() const { return segments_; }
  const Segment& segment(SegmentId id) const { return segments_[index_of(id)]; }
  std::span<const Channel> channels() const { return channels_; }
  std::span<const Message> messages() const { return messages_; }
  const Message& message(StepId send_or_receive) const { return messages_[step(send_or_receive).object]; }
  std::span<const CollectiveSpec> collective_specs() const { return collective_specs_; }
  std::span<const Collective> collectives() const { return collectives_; }
  std::span<const CollectiveMember> collective_members() const { return members_; }
  const Collective& collective(StepId step_of_member) const {
    return collectives_[index_of(members_[step(step_of_member).object].collective)];
  }
  const CollectiveSpec& spec(const Collective& row) const { return collective_specs_[index_of(row.spec)]; }
  std::span<const CollectiveMember> members(const Collective& row) const {
    return {members_.data() + row.first_member, spec(row).members.size()};
  }
  /// The step's rank in its collective's group.
  std::uint32_t group_rank(StepId step_of_member) const {
    return step(step_of_member).object - collective(step_of_member).first_member;
  }
  std::span<const CopySpec> copy_specs() const { return copy_specs_; }
  const CopySpec& copy(StepId copy_step) const { return copy_specs_[step(copy_step).object]; }
  /// The buffer that a copy reads or writes.
  BufferId copy_end(StepId copy_step, Access access) const;
  /// The byte of that buffer that the copy begins with.
  std::int64_t copy_offset(StepId copy_step, Access access) const;
  /// The layers of one rank that the segment is a part of.
  const LocalModel& local(SegmentId id) const { return *local_models_[segment(id).local_model]; }
  const Mesh& mesh() const { return mesh_; }
  std::span<const Buffer> buffers() const { return buffers_; }
  std::span<const BufferSpec> buffer_specs() const { return buffer_specs_; }
  const BufferSpec& spec(BufferId id) const { return buffer_specs_[index_of(buffers_[index_of(id)].spec)]; }
  Moment allocation_moment(BufferId id) const { return moments_[index_of(id)].allocated; }
  Moment free_moment(BufferId id) const { return moments_[index_of(id)].freed; }
  std::uint32_t micro_batches() const { return micro_batches_; }
  /// Updates of each worker's weights; the micro_batch of a step of kind update counts them.
  std::uint32_t updates() const { return updates_; }
  /// `worker "stage 1", step F of micro-batch 3`: for messages.
  std::string describe(StepId id) const;
  Bytes footprint() const;  ///< memory that the Program itself takes

 private:
  friend class ProgramBuilder;
  struct Moments {
    Moment allocated, freed;
  };
  template <class Value>
  static std::span<const Value> row(const std::vector<std::uint32_t>& offset, const std::vector<Value>& values,
                                    StepId id) {
    return {values.data() + offset[index_of(id)], values.data() + offset[index_of(id) + 1]};
  }
  std::vector<Step> steps_;
  std::vector<std::uint32_t> after_offset_, use_offset_;
  std::vector<StepId> after_;
  std::vector<BufferUse> uses_;
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
  std::vector<Moments> moments_;
  std::vector<BufferSpec> buffer_specs_;
  std::uint32_t micro_batches_ = 1, updates_ = 1;
};

}  // namespace tandem

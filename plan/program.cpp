#include "plan/program.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace tandem {

std::string_view name_of(StepKind kind) {
  static constexpr std::string_view kNames[] = {"zero gradients", "F", "B",      "I",    "W",       "R",
                                                "add gradient",   "update", "settle", "own block", "send", "receive", "collective",
                                                "copy out",       "copy in"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(StreamKind kind) {
  static constexpr std::string_view kNames[] = {"compute",       "send forward",  "receive forward", "send backward",
                                                "receive backward", "send gradient", "receive gradient", "data",
                                                "height",        "width",         "tensor",          "reduce gradients",
                                                "gather weights", "copy out",      "copy in",         "host"};
  static_assert(std::size(kNames) == kStreamKinds);
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(BufferClass kind) {
  static constexpr std::string_view kNames[] = {"weight", "gradient", "optimizer_state", "activation",
                                                "stash",  "workspace", "message",         "host"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

bool has_micro_batch(StepKind kind) {
  return kind != StepKind::zero_gradients && kind != StepKind::add_gradient && kind != StepKind::update &&
         kind != StepKind::settle;
}

/// What a copy moves.
std::string payload_of(const CopySpec& copy) {
  if (copy.content == BufferContent::inbox) return "the stage's input";
  if (copy.content == BufferContent::saved) return fmt::format("unit {}", copy.group);
  const std::string bucket = copy.group == 0 ? "" : fmt::format(" of bucket {}", copy.group - 1);
  if (copy.content == BufferContent::optimizer_state) return "the optimizer's states" + bucket;
  const bool weights = copy.content == BufferContent::weights || copy.content == BufferContent::weight_shard;
  return (weights ? "the weights" : "the gradients") + bucket;
}

bool is_of_micro_batch(const CopySpec& copy) {
  return copy.content == BufferContent::inbox || copy.content == BufferContent::saved;
}

std::string_view payload_of(BufferContent content) {
  if (content == BufferContent::outbox) return "activations";
  return content == BufferContent::gradient_outbox ? "activation gradients" : "tied gradients";
}

}  // namespace

BufferContent Program::content_for(StepId compute_step, BufferUse use) const {
  const BufferSpec& row = spec(use.id());
  const bool updates = work(compute_step).kind == StepKind::update;
  const bool weights = row.content == BufferContent::weights || row.content == BufferContent::weight_shard;
  if (updates && weights && use.mode() == Access::write)
    return BufferContent::new_weights;
  if (row.segment == work(compute_step).segment) return row.content;
  if (row.content == BufferContent::inbox) return BufferContent::outbox;
  invariant(row.content == BufferContent::gradient_inbox, "stages of a worker share what they hand over");
  return BufferContent::gradient_outbox;
}

BufferId Program::copy_end(StepId copy_step, Access access) const {
  for (const BufferUse use : uses(copy_step))
    if (use.mode() == access) return use.id();
  invariant(false, "a copy reads one buffer and writes another");
  return {};
}

std::int64_t Program::copy_offset(StepId copy_step, Access access) const {
  const Access other = access == Access::read ? Access::write : Access::read;
  return std::max<std::int64_t>(0, spec(copy_end(copy_step, other)).first - spec(copy_end(copy_step, access)).first);
}

std::string Program::describe(StepId id) const {
  const Step& entry = step(id);
  const Worker& row = workers_[index_of(worker_of(id))];
  const std::string& worker = row.name;
  const std::string batch = has_micro_batch(entry.kind) ? fmt::format(" of micro-batch {}", entry.micro_batch) : "";
  if (entry.kind == StepKind::collective)
    return fmt::format("worker \"{}\", collective {}{}", worker, spec(collective(id)).name,
                       spec(collective(id)).stream == StreamKind::reduce_gradients ? "" : batch);
  if (is_compute(entry.kind)) {
    const std::string stage = row.stages > 1 ? fmt::format(" of stage {}", segment(work(id).segment).stage) : "";
    return fmt::format("worker \"{}\", step {}{}{}", worker, name_of(entry.kind), batch, stage);
  }
  if (is_copy(entry.kind))
    return fmt::format("worker \"{}\", {} of {}{}", worker, name_of(entry.kind), payload_of(copy(id)),
                       is_of_micro_batch(copy(id)) ? batch : "");
  const Channel& channel = channels_[index_of(message(id).channel)];
  const bool sends = entry.kind == StepKind::send;
  const std::string& peer = workers_[index_of(sends ? channel.to : channel.from)].name;
  return fmt::format("worker \"{}\", step {} {} \"{}\" the {}{}", worker, name_of(entry.kind), sends ? "to" : "from",
                     peer, payload_of(channel.content), channel.content == BufferContent::gradients ? "" : batch);
}

namespace {
template <class Value>
std::int64_t size_of(const std::vector<Value>& table) {
  return static_cast<std::int64_t>(table.capacity() * sizeof(Value));
}
}  // namespace

Bytes Program::footprint() const {
  return {size_of(steps_) + size_of(after_offset_) + size_of(use_offset_) + size_of(after_) + size_of(uses_) +
          size_of(streams_) + size_of(workers_) + size_of(works_) + size_of(ranges_) + size_of(channels_) + size_of(messages_) +
          size_of(collectives_) + size_of(members_) + size_of(copy_specs_) +
          size_of(buffers_) + size_of(moments_) + size_of(buffer_specs_)};
}

}  // namespace tandem

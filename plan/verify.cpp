#include "plan/verify.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

[[noreturn]] void refuse(const std::string& problem) { throw InputError("the program is wrong: " + problem); }

bool is_compute(StepKind kind) { return kind != StepKind::send && kind != StepKind::receive; }

/// Who is known to precede whom between a worker's compute stream and each of its other streams, from direct edges.
class Precedence {
 public:
  explicit Precedence(const Program& program);
  /// Does `early` end before `late` starts, both on one worker? Sufficient, from stream order and one direct edge.
  bool before(StepId early, StepId late) const;

 private:
  static constexpr std::uint32_t kNever = ~0u;
  bool on_compute(StepId id) const { return is_compute(program_.step(id).kind); }
  const Program& program_;
  /// For a step off the compute stream: the latest compute step that it, or one before it on its stream, waits for (+1).
  std::vector<std::uint32_t> waits_for_;
  /// The earliest compute step that waits for it or for one after it on its stream.
  std::vector<std::uint32_t> awaited_by_;
};

Precedence::Precedence(const Program& program)
    : program_(program), waits_for_(program.step_count(), 0), awaited_by_(program.step_count(), kNever) {
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    for (const StepId earlier : program.after(id)) {
      if (program.worker_of(id) != program.worker_of(earlier)) continue;
      if (on_compute(id) && !on_compute(earlier))
        awaited_by_[index_of(earlier)] = std::min(awaited_by_[index_of(earlier)], i);
      if (!on_compute(id) && on_compute(earlier)) waits_for_[i] = std::max(waits_for_[i], index_of(earlier) + 1);
    }
  }
  for (const Stream& stream : program.streams()) {
    if (stream.kind == StreamKind::compute) continue;
    const std::uint32_t first = index_of(stream.first), end = first + stream.count;
    for (std::uint32_t i = first + 1; i < end; ++i) waits_for_[i] = std::max(waits_for_[i], waits_for_[i - 1]);
    for (std::uint32_t i = end; i-- > first + 1;) awaited_by_[i - 1] = std::min(awaited_by_[i - 1], awaited_by_[i]);
  }
}

bool Precedence::before(StepId early, StepId late) const {
  if (program_.step(early).stream == program_.step(late).stream) return early < late;
  if (on_compute(early)) return waits_for_[index_of(late)] > index_of(early);
  if (on_compute(late)) return awaited_by_[index_of(early)] <= index_of(late);
  const auto after = program_.after(late);
  return std::find(after.begin(), after.end(), early) != after.end();
}

struct Use {
  StepId step;
  Access access;
};

/// Uses of every buffer, in compressed rows.
class UseTable {
 public:
  explicit UseTable(const Program& program) : offset_(program.buffers().size() + 2, 0) {
    const auto steps = static_cast<std::uint32_t>(program.step_count());
    for (std::uint32_t i = 0; i < steps; ++i)
      for (const BufferUse use : program.uses(static_cast<StepId>(i))) ++offset_[use.buffer + 2];
    for (std::size_t i = 2; i < offset_.size(); ++i) offset_[i] += offset_[i - 1];
    uses_.resize(offset_.back());
    for (std::uint32_t i = 0; i < steps; ++i)
      for (const BufferUse use : program.uses(static_cast<StepId>(i)))
        uses_[offset_[use.buffer + 1]++] = {static_cast<StepId>(i), use.mode()};
  }
  std::span<const Use> of(BufferId id) const {
    return {uses_.data() + offset_[index_of(id)], uses_.data() + offset_[index_of(id) + 1]};
  }

 private:
  std::vector<std::uint32_t> offset_;
  std::vector<Use> uses_;
};

std::string name_of(const Program& program, BufferId id) {
  const BufferSpec& spec = program.spec(id);
  return fmt::format("buffer {} ({}, {} bytes, micro-batch {})", index_of(id), name_of(spec.kind), spec.bytes.count,
                     program.buffers()[index_of(id)].micro_batch);
}

void check_life(const Program& program, BufferId id) {
  const Buffer& buffer = program.buffers()[index_of(id)];
  const StreamId compute = program.workers()[index_of(program.spec(id).worker)].compute;
  for (const StepId step : {buffer.allocated_by, buffer.freed_by}) {
    if (step == kNone<StepId>) refuse(fmt::format("{} is allocated but never freed, or the reverse", name_of(program, id)));
    if (program.step(step).stream != compute)
      refuse(fmt::format("{} is not allocated and freed by its worker's compute stream: {}", name_of(program, id),
                         program.describe(step)));
  }
  const auto born = std::pair(buffer.allocated_by, program.allocation_moment(id));
  const auto dies = std::pair(buffer.freed_by, program.free_moment(id));
  if (dies <= born) refuse(fmt::format("{} is freed before it is allocated", name_of(program, id)));
}

/// Allocated before, freed after: a compute step may do either itself where the moment allows it.
void check_use_in_life(const Program& program, const Precedence& precedence, BufferId id, StepId step) {
  const Buffer& buffer = program.buffers()[index_of(id)];
  if (program.worker_of(step) != program.spec(id).worker)
    refuse(fmt::format("{} belongs to another worker: {}", name_of(program, id), program.describe(step)));
  const bool allocates = buffer.allocated_by == step && program.allocation_moment(id) == Moment::start;
  if (!allocates && !precedence.before(buffer.allocated_by, step))
    refuse(fmt::format("{} may not be allocated yet: {}", name_of(program, id), program.describe(step)));
  const bool frees = buffer.freed_by == step && program.free_moment(id) == Moment::end;
  if (!frees && !precedence.before(step, buffer.freed_by))
    refuse(fmt::format("{} may be freed already: {}", name_of(program, id), program.describe(step)));
}

void check_written_first(const Program& program, const Precedence& precedence, BufferId id, std::span<const Use> uses) {
  const auto writer = std::find_if(uses.begin(), uses.end(), [](const Use& use) { return use.access == Access::write; });
  if (writer == uses.end()) refuse(fmt::format("{} is never written", name_of(program, id)));
  for (const Use& use : uses)
    if (use.step != writer->step && !precedence.before(writer->step, use.step))
      refuse(fmt::format("{} may be read before it is written: {}", name_of(program, id), program.describe(use.step)));
}

void check_buffers(const Program& program) {
  const Precedence precedence(program);
  const UseTable table(program);
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer& buffer = program.buffers()[i];
    if (buffer.allocated_by == kNone<StepId> && buffer.freed_by == kNone<StepId>) continue;
    check_life(program, id);
    for (const Use& use : table.of(id)) check_use_in_life(program, precedence, id, use.step);
    check_written_first(program, precedence, id, table.of(id));
  }
}

Bytes payload(const Program& program, StepId step, Access access) {
  for (const BufferUse use : program.uses(step))
    if (use.mode() == access) return program.spec(use.id()).bytes;
  refuse(fmt::format("a message has no buffer: {}", program.describe(step)));
}

void check_messages(const Program& program) {
  for (const Message& message : program.messages()) {
    const Channel& channel = program.channels()[index_of(message.channel)];
    const bool own_ends = program.step(message.send).kind == StepKind::send &&
                          program.step(message.receive).kind == StepKind::receive &&
                          program.worker_of(message.send) == channel.from &&
                          program.worker_of(message.receive) == channel.to;
    if (!own_ends) refuse(fmt::format("a message has not its own send and receive: {}", program.describe(message.send)));
    const bool part = channel.content == BufferContent::gradients;
    const Bytes sent = payload(program, message.send, Access::read);
    const Bytes received = payload(program, message.receive, Access::write);
    if ((part ? sent < channel.bytes : sent != channel.bytes) || received != channel.bytes)
      refuse(fmt::format("a message of {} bytes is sent from {} and received into {}: {}, {}", channel.bytes.count,
                         sent.count, received.count, program.describe(message.send), program.describe(message.receive)));
  }
}

/// Every segment's F and B (or I and W) run once per micro-batch, F first.
void check_coverage(const Program& program) {
  const std::size_t batches = program.micro_batches();
  std::vector<std::uint8_t> seen(program.segments().size() * batches, 0);
  constexpr std::uint8_t kForward = 1, kInput = 2, kWeight = 4;
  for (const Stream& stream : program.streams()) {
    if (stream.kind != StreamKind::compute) continue;
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
      const auto id = static_cast<StepId>(i);
      const Step& step = program.step(id);
      const std::uint8_t adds = step.kind == StepKind::forward           ? kForward
                                : step.kind == StepKind::backward        ? kInput | kWeight
                                : step.kind == StepKind::input_gradient  ? kInput
                                : step.kind == StepKind::weight_gradient ? kWeight
                                                                         : 0;
      if (adds == 0) continue;
      std::uint8_t& cell = seen[index_of(program.work(id).segment) * batches + step.micro_batch];
      if ((cell & adds) != 0) refuse(fmt::format("runs twice: {}", program.describe(id)));
      if (adds != kForward && (cell & kForward) == 0) refuse(fmt::format("runs before its F: {}", program.describe(id)));
      cell = static_cast<std::uint8_t>(cell | adds);
    }
  }
  const auto open = std::find_if(seen.begin(), seen.end(), [](std::uint8_t cell) { return cell != 7; });
  if (open == seen.end()) return;
  const auto at = static_cast<std::size_t>(open - seen.begin());
  refuse(fmt::format("segment {} misses a step of micro-batch {}", at / batches, at % batches));
}

}  // namespace

void verify(const Program& program) {
  check_messages(program);
  topological_order(program);
  check_buffers(program);
  check_coverage(program);
}

}  // namespace tandem

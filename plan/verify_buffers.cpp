// Every buffer is allocated and freed once, in the compute stream's order, written before it is read, not used outside
// its life, and never written by one stream while another uses it.

#include <fmt/format.h>

#include <algorithm>

#include "plan/precedence.hpp"
#include "plan/touched_ranges.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

struct Use {
  StepId step;
  Access access;
};

/// Uses of every buffer, in compressed rows, by ascending step.
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

/// Checks one buffer.
class BufferCheck {
 public:
  BufferCheck(const Program& program, const Precedence& precedence, BufferId id, std::span<const Use> uses)
      : program_(program), precedence_(precedence), id_(id), buffer_(program.buffers()[index_of(id)]), uses_(uses) {}

  void run() const {
    for (const Use& use : uses_)
      if (program_.worker_of(use.step) != program_.spec(id_).worker) refuse("belongs to another worker", use.step);
    check_conflicts();
    if (buffer_.allocated_by == kNone<StepId> && buffer_.freed_by == kNone<StepId>) return;
    check_life();
    for (const Use& use : uses_) check_use_in_life(use.step);
    check_written_first();
  }

 private:
  std::string name() const {
    const BufferSpec& spec = program_.spec(id_);
    return fmt::format("buffer {} ({}, {} bytes, micro-batch {})", index_of(id_), name_of(spec.kind), spec.bytes.count,
                       buffer_.micro_batch);
  }
  [[noreturn]] void refuse(std::string_view problem) const { refuse_program(fmt::format("{} {}", name(), problem)); }
  [[noreturn]] void refuse(std::string_view problem, StepId step) const {
    refuse_program(fmt::format("{} {}: {}", name(), problem, program_.describe(step)));
  }
  bool on_compute(StepId step) const {
    return program_.step(step).stream == program_.workers()[index_of(program_.spec(id_).worker)].compute;
  }
  void check_life() const;
  void check_use_in_life(StepId step) const;
  void check_written_first() const;
  void check_conflicts() const;
  /// Do they touch different bytes? Known only where a collective or a copy is one of them.
  bool keep_apart(StepId a, StepId b) const {
    const auto has_range = [this](StepId step) {
      return program_.step(step).kind == StepKind::collective || is_copy(program_.step(step).kind);
    };
    return (has_range(a) || has_range(b)) && !overlap(touched_ranges(program_, a, id_), touched_ranges(program_, b, id_));
  }

  const Program& program_;
  const Precedence& precedence_;
  BufferId id_;
  const Buffer& buffer_;
  std::span<const Use> uses_;
};

void BufferCheck::check_life() const {
  if (buffer_.freed_by == kNone<StepId>) refuse("is never freed, but allocated", buffer_.allocated_by);
  if (buffer_.allocated_by == kNone<StepId>) refuse("is never allocated, but freed", buffer_.freed_by);
  for (const StepId step : {buffer_.allocated_by, buffer_.freed_by})
    if (!on_compute(step)) refuse("is not allocated and freed by its worker's compute stream", step);
  const auto born = std::pair(buffer_.allocated_by, program_.allocation_moment(id_));
  const auto dies = std::pair(buffer_.freed_by, program_.free_moment(id_));
  if (dies <= born) refuse("is freed before it is allocated", buffer_.freed_by);
}

/// Allocated before, freed after: a compute step may do either itself where the moment allows it.
void BufferCheck::check_use_in_life(StepId step) const {
  const bool allocates = buffer_.allocated_by == step && program_.allocation_moment(id_) == Moment::start;
  if (!allocates && !precedence_.before(buffer_.allocated_by, step)) refuse("may not be allocated yet", step);
  const bool frees = buffer_.freed_by == step && program_.free_moment(id_) == Moment::end;
  if (!frees && !precedence_.before(step, buffer_.freed_by)) refuse("may be freed already", step);
}

void BufferCheck::check_written_first() const {
  const auto writer =
      std::find_if(uses_.begin(), uses_.end(), [](const Use& use) { return use.access == Access::write; });
  if (writer == uses_.end()) refuse("is never written");
  for (const Use& use : uses_)
    if (use.step != writer->step && !precedence_.before(writer->step, use.step))
      refuse("may be read before it is written", use.step);
}

/// Steps of the compute stream follow each other, so only those of other streams can meet another use.
void BufferCheck::check_conflicts() const {
  for (const Use& other : uses_) {
    if (on_compute(other.step)) continue;
    for (const Use& use : uses_) {
      if (use.step == other.step || (use.access == Access::read && other.access == Access::read)) continue;
      if (precedence_.before(use.step, other.step) || precedence_.before(other.step, use.step)) continue;
      if (keep_apart(use.step, other.step)) continue;
      refuse(fmt::format("may be written while it is used: {}", program_.describe(use.step)), other.step);
    }
  }
}

}  // namespace

void check_buffers(const Program& program) {
  const Precedence precedence(program);
  const UseTable table(program);
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    BufferCheck(program, precedence, id, table.of(id)).run();
  }
}

}  // namespace tandem

// A copy moves one whole buffer of its worker into another: out of the device's memory into the host's, or back. What
// the host holds has been brought there by one copy, and is fetched by one that returns it to a buffer of the same
// meaning.

#include <fmt/format.h>

#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

[[noreturn]] void refuse(const Program& program, StepId copy, std::string_view problem) {
  refuse_program(fmt::format("{}: {}", problem, program.describe(copy)));
}

/// The two ends of a copy.
struct Ends {
  BufferId from = kNone<BufferId>, to = kNone<BufferId>;
};

Ends ends_of(const Program& program, StepId copy) {
  Ends ends;
  const auto uses = program.uses(copy);
  for (const BufferUse use : uses)
    if (use.mode() != Access::read_write) (use.mode() == Access::read ? ends.from : ends.to) = use.id();
  if (uses.size() != 2 || ends.from == kNone<BufferId> || ends.to == kNone<BufferId>)
    refuse(program, copy, "a copy reads one buffer and writes another");
  return ends;
}

void check_ends(const Program& program, StepId copy, const Ends& ends) {
  const CopySpec& spec = program.copy(copy);
  const BufferSpec &from = program.spec(ends.from), &to = program.spec(ends.to);
  const bool leaves = spec.kind == StepKind::copy_out;
  if (program.step(copy).kind != spec.kind) refuse(program, copy, "a copy goes the other way");
  if (on_device(from.kind) != leaves || on_device(to.kind) == leaves)
    refuse(program, copy, "a copy does not go between device and host");
  if (from.bytes != spec.bytes || to.bytes != spec.bytes)
    refuse(program, copy, fmt::format("a copy of {} bytes goes from {} into {}", spec.bytes.count, from.bytes.count,
                                      to.bytes.count));
  const bool alike = from.segment == to.segment && from.content == to.content && from.group == to.group;
  if (!alike || program.buffers()[index_of(ends.from)].micro_batch != program.buffers()[index_of(ends.to)].micro_batch)
    refuse(program, copy, "a copy goes into a buffer for something else");
}

}  // namespace

void check_copies(const Program& program) {
  struct Visits {
    std::uint8_t brought = 0, fetched = 0;
  };
  std::vector<Visits> visits(program.buffers().size());
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto copy = static_cast<StepId>(i);
    if (!is_copy(program.step(copy).kind)) continue;
    const Ends ends = ends_of(program, copy);
    check_ends(program, copy, ends);
    const bool leaves = program.step(copy).kind == StepKind::copy_out;
    std::uint8_t& count = leaves ? visits[index_of(ends.to)].brought : visits[index_of(ends.from)].fetched;
    if (++count > 1) refuse(program, copy, "copied twice");
  }
  for (std::uint32_t i = 0; i < visits.size(); ++i)
    if (!on_device(program.spec(static_cast<BufferId>(i)).kind) && (visits[i].brought == 0 || visits[i].fetched == 0))
      refuse_program(fmt::format("buffer {} on the host is never {}", i, visits[i].brought == 0 ? "written" : "fetched"));
}

}  // namespace tandem

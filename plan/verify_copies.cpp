// A copy moves one whole buffer of its worker into another, or into its place in a larger one: out of the device's memory
// into the host's, or back. What the host holds for a while has been brought there by one copy, and is fetched by one that
// returns it to a buffer of the same meaning. What it holds for good is fetched as often as it is needed, and what changes
// it on the device is brought back.

#include <fmt/format.h>

#include "plan/precedence.hpp"
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

/// Does the buffer of the device hold what the host's does: just that or, of weights and gradients, more?
bool holds(const BufferSpec& here, const BufferSpec& host) {
  using enum BufferContent;
  const bool in_ranges = here.content == weights || here.content == gradients || here.content == weight_shard ||
                         here.content == gradient_shard;
  if (!in_ranges) return here.bytes == host.bytes && here.first == host.first;
  return here.first <= host.first && host.first + host.bytes.count <= here.first + here.bytes.count;
}

void check_ends(const Program& program, StepId copy, const Ends& ends) {
  const CopySpec& spec = program.copy(copy);
  const BufferSpec &from = program.spec(ends.from), &to = program.spec(ends.to);
  const bool leaves = spec.kind == StepKind::copy_out;
  const BufferSpec &host = leaves ? to : from, &here = leaves ? from : to;
  if (program.step(copy).kind != spec.kind) refuse(program, copy, "a copy goes the other way");
  if (on_device(host.kind) || !on_device(here.kind))
    refuse(program, copy, "a copy does not go between device and host");
  if (host.bytes != spec.bytes || here.bytes < spec.bytes)
    refuse(program, copy, fmt::format("a copy of {} bytes goes from {} into {}", spec.bytes.count, from.bytes.count,
                                      to.bytes.count));
  const bool alike = from.segment == to.segment && from.content == to.content && from.group == to.group &&
                     holds(here, host) && from.content == spec.content;
  if (!alike || program.buffers()[index_of(ends.from)].micro_batch != program.buffers()[index_of(ends.to)].micro_batch)
    refuse(program, copy, "a copy goes into a buffer for something else");
}

/// What has been copied, by buffer.
struct Visits {
  std::uint8_t brought = 0, fetched = 0;
  bool on_host = false;  ///< the host's own steps use it
};

/// Activations wait on the host; weights, gradients and optimizer states live there.
bool is_home(const Program& program, BufferId host) {
  const BufferContent content = program.spec(host).content;
  return content != BufferContent::saved && content != BufferContent::inbox;
}

void check_visits(const Program& program, BufferId host, const Visits& visits) {
  if (visits.on_host || (visits.brought > 0 && visits.fetched > 0)) return;
  if (is_home(program, host) && visits.brought + visits.fetched > 0) return;
  refuse_program(fmt::format("buffer {} on the host is never {}", index_of(host),
                             visits.brought == 0 ? "written" : "fetched"));
}

/// Of a buffer: whether its home is on the host, and the last copy that brings it back there.
struct Visitor {
  bool has_home = false;
  StepId back = kNone<StepId>;
};

/// A step that changes what has its home on the host comes before the copy that brings it back. Of what stays on the device
/// ranges leave one by one (check_host_updates()), and what ranks gather into it is not brought back.
void check_changes(const Program& program, const std::vector<Visitor>& visitors) {
  const Precedence precedence(program);
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto step = static_cast<StepId>(i);
    if (is_copy(program.step(step).kind)) continue;
    for (const BufferUse use : program.uses(step)) {
      const Visitor& visitor = visitors[use.buffer];
      if (use.mode() == Access::read || !visitor.has_home) continue;
      const bool stays = program.buffers()[use.buffer].allocated_by == kNone<StepId>;
      if (stays && (visitor.back != kNone<StepId> || program.step(step).kind == StepKind::collective)) continue;
      if (visitor.back == kNone<StepId> || !precedence.before(step, visitor.back))
        refuse_program(fmt::format("what is changed is not brought back to the host: {}", program.describe(step)));
    }
  }
}

}  // namespace

void check_copies(const Program& program) {
  std::vector<Visits> visits(program.buffers().size());
  std::vector<Visitor> visitors(program.buffers().size());
  bool any_home = false;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto copy = static_cast<StepId>(i);
    if (program.stream(program.step(copy).stream).kind == StreamKind::host)
      for (const BufferUse use : program.uses(copy)) visits[use.buffer].on_host = true;
    if (!is_copy(program.step(copy).kind)) continue;
    const Ends ends = ends_of(program, copy);
    check_ends(program, copy, ends);
    const bool leaves = program.step(copy).kind == StepKind::copy_out;
    const BufferId host = leaves ? ends.to : ends.from, here = leaves ? ends.from : ends.to;
    std::uint8_t& count = leaves ? visits[index_of(host)].brought : visits[index_of(host)].fetched;
    if (is_home(program, host)) {
      count = any_home = visitors[index_of(here)].has_home = true;
      if (leaves) visitors[index_of(here)].back = copy;
    } else if (++count > 1) {
      refuse(program, copy, "copied twice");
    }
  }
  for (std::uint32_t i = 0; i < visits.size(); ++i)
    if (!on_device(program.spec(static_cast<BufferId>(i)).kind))
      check_visits(program, static_cast<BufferId>(i), visits[i]);
  if (any_home) check_changes(program, visitors);
}

}  // namespace tandem

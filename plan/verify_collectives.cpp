// Every collective has its own step on each member, in the same order on all of them, and a vector that fits its
// buffer.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

/// Stages of one worker hand over in the reader's buffer, which is the writer's outbox.
bool is_of(const BufferSpec& buffer, BufferContent content) {
  using enum BufferContent;
  return buffer.content == content || (buffer.content == inbox && content == outbox) ||
         (buffer.content == gradient_inbox && content == gradient_outbox);
}

void check_vector(const Program& program, const CollectiveSpec& spec, std::uint32_t rank, StepId step) {
  const CollectivePayload& payload = spec.payloads[rank];
  const auto uses = program.uses(step);
  const auto use = std::find_if(uses.begin(), uses.end(), [&](const BufferUse& candidate) {
    return is_of(program.spec(candidate.id()), payload.content);
  });
  if (use == uses.end()) refuse_program(fmt::format("a collective has no buffer: {}", program.describe(step)));
  const Bytes room = program.spec(use->id()).bytes;
  const Bytes want = spec.shape.vector_bytes(rank) + Bytes{payload.offset};
  if (payload.offset < 0 || want > room)
    refuse_program(fmt::format("a collective's vector ends at byte {} of a buffer of {}: {}", want.count, room.count,
                               program.describe(step)));
}

void check_group(const CollectiveSpec& spec) {
  if (!spec.algorithm->suits(spec.shape))
    refuse_program(fmt::format("{} cannot do {} of {} ranks: collective {}", spec.algorithm->name,
                               name_of(spec.shape.kind), spec.shape.ranks, spec.name));
  std::vector<WorkerId> workers = spec.members;
  std::sort(workers.begin(), workers.end());
  if (std::adjacent_find(workers.begin(), workers.end()) != workers.end())
    refuse_program(fmt::format("a worker is in the group twice: collective {}", spec.name));
}

}  // namespace

void check_collectives(const Program& program) {
  for (const CollectiveSpec& spec : program.collective_specs()) check_group(spec);
  std::vector<std::uint32_t> earlier(program.collective_specs().size(), ~0u);  // first member of the one before
  for (const Collective& collective : program.collectives()) {
    const CollectiveSpec& spec = program.spec(collective);
    const std::uint32_t before = std::exchange(earlier[index_of(collective.spec)], collective.first_member);
    for (std::uint32_t rank = 0; rank < spec.members.size(); ++rank) {
      const StepId step = program.members(collective)[rank].step;
      const bool own = program.step(step).kind == StepKind::collective &&
                       program.worker_of(step) == spec.members[rank] && program.group_rank(step) == rank &&
                       program.stream(program.step(step).stream).kind == spec.stream;
      invariant(own, "a builder gives each member of a collective its own step");
      if (before != ~0u && program.collective_members()[before + rank].step > step)
        refuse_program(
            fmt::format("enters its collectives in another order than its group: {}", program.describe(step)));
      check_vector(program, spec, rank, step);
    }
  }
}

}  // namespace tandem

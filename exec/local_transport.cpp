#include "base/error.hpp"
#include "exec/collective_rounds.hpp"
#include "exec/transport.hpp"

namespace tandem {

Transfer LocalTransport::collective(StepId step, std::byte* vector) {
  const Collective& row = program_.collective(step);
  const CollectiveSpec& spec = program_.spec(row);
  const Instant ready = now();
  if (missing_ == 0) {
    missing_ = spec.members.size();
    vectors_.assign(missing_, nullptr);
  }
  invariant(vectors_.size() == spec.members.size(), "a collective's members are adjacent");
  std::byte*& mine = vectors_[program_.group_rank(step)];
  invariant(mine == nullptr, "a collective's members are adjacent");
  mine = vector;
  if (--missing_ > 0) return {ready, ready};
  run_all_ranks(spec, vectors_);
  pacer_.hold_collective(row.spec, ready);
  return {ready, now()};
}

}  // namespace tandem

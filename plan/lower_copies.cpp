// Copies between device and host, in the order of the compute steps that they serve: each stream of copies is in order,
// whatever moves over it.

#include <algorithm>

#include "plan/lowering.hpp"

namespace tandem {

void Lowering::add_copies() {
  std::ranges::stable_sort(copies_, {}, &PendingCopy::place);
  for (const PendingCopy& pending : copies_) {
    const CopySpec& spec = pending.spec;
    const CopyKey key(spec.worker, spec.kind, spec.segment, spec.content, spec.group);
    const auto [known, is_new] = copy_specs_.try_emplace(key);
    if (is_new) known->second = builder_.add_copy_spec(spec);
    const StepId copy = builder_.add_copy(known->second, pending.batch);
    builder_.use(copy, pending.from, Access::read);
    builder_.use(copy, pending.to, Access::write);
    for (const StepId earlier : pending.after) builder_.add_after(copy, earlier);
    for (const StepId later : pending.before)
      if (later != kNone<StepId>) builder_.add_after(later, copy);
  }
  copies_.clear();
}

}  // namespace tandem

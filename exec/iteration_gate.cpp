#include "exec/iteration_gate.hpp"

namespace tandem {

void IterationGate::arrive() {
  if (missing_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  missing_.store(threads_, std::memory_order_relaxed);
  between_(arrivals_++);
  opened_.advance(control_.crowd());
}

}  // namespace tandem

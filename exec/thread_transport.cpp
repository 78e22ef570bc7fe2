#include "exec/transport.hpp"

namespace tandem {

ThreadTransport::ThreadTransport(const Program& program, const Pacer& pacer, StopControl& control)
    : program_(program), pacer_(pacer) {
  for (const CollectiveSpec& spec : program.collective_specs()) collectives_.emplace_back(spec, control);
}

Transfer ThreadTransport::collective(StepId step, std::byte* vector) {
  const CollectiveSpecId spec = program_.collective(step).spec;
  Transfer transfer = collectives_[index_of(spec)].run(program_.group_rank(step), vector);
  pacer_.hold_collective(spec, transfer.ready);
  transfer.done = now();
  return transfer;
}

}  // namespace tandem

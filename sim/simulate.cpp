#include "sim/simulate.hpp"

#include "plan/memory_script.hpp"
#include "sim/energy.hpp"
#include "sim/engine.hpp"
#include "sim/memory_curve.hpp"

namespace tandem {
namespace {

/// A simulated stream starts its steps in the order of the Program: there is no other to record.
std::vector<StepId> order_of(const Program& program) {
  std::vector<StepId> order;
  order.reserve(program.step_count());
  for (const Stream& stream : program.streams()) {
    for (std::uint32_t i = 0; i < stream.count; ++i) order.push_back(static_cast<StepId>(index_of(stream.first) + i));
  }
  return order;
}

}  // namespace

Timeline simulate(const Program& program, const Prices& prices, const SimulateOptions& options) {
  Timeline timeline;
  timeline.spans.resize(program.step_count());
  Engine engine(program, prices, timeline.spans);
  engine.run();
  timeline.energy = energy_of(program, prices, timeline, engine.resources());
  if (options.record_memory) record_memory(program, MemoryScript(program), timeline);
  if (options.record_order) timeline.order = order_of(program);
  return timeline;
}

}  // namespace tandem

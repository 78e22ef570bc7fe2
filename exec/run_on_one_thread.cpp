#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/profile.hpp"
#include "exec/ride.hpp"
#include "plan/verify.hpp"

namespace tandem {
namespace {

/// The end of the message that ran directly before this step, if this step is the other end.
StepId first_end(const Program& program, StepId step, StepId before) {
  const StepKind kind = program.step(step).kind;
  if (before == kNone<StepId> || (kind != StepKind::send && kind != StepKind::receive)) return kNone<StepId>;
  const Message& message = program.message(step);
  return before == (message.send == step ? message.receive : message.send) ? before : kNone<StepId>;
}

void run_iteration(const Program& program, const std::vector<StepId>& order, Ride& ride, Transport& transport) {
  StepId before = kNone<StepId>;
  for (const StepId step : order) {
    ride.execute(step, transport);
    if (const StepId first = first_end(program, step, before); first != kNone<StepId>) ride.share_span(step, first);
    before = step;
  }
}

}  // namespace

RunResult run_observed(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options,
                       KernelObserver observer) {
  const std::vector<StepId> order = topological_order(program);
  StopControl control;
  const Pacer pacer(options.pacing, control);
  Ride ride(program, model, dataset, options, control, pacer);
  ride.runner().observe(std::move(observer));
  LocalTransport transport(program, pacer);
  std::atomic<std::int64_t> iteration{0};
  const std::stop_callback on_stop(options.stop, [&] {
    control.fail(std::make_exception_ptr(RunError(fmt::format("the run was interrupted in iteration {}", iteration.load()))));
  });
  try {
    for (std::uint32_t w = 0; w < program.workers().size(); ++w) ride.prepare(static_cast<WorkerId>(w));
    for (; iteration < options.iterations; ++iteration) {
      ride.start_iteration(iteration);
      run_iteration(program, order, ride, transport);
      ride.end_iteration();
    }
  } catch (const Stopped&) {
    control.rethrow();
  }
  return std::move(ride).result(1);
}

RunResult run_on_one_thread(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options) {
  return run_observed(program, model, dataset, options, nullptr);
}

}  // namespace tandem

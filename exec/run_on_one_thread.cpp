#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/profile.hpp"
#include "exec/ride.hpp"
#include "plan/verify.hpp"

namespace tandem {
namespace {

void move(const Program& program, StepId end, Ride& ride, const Pacer& pacer) {
  const Instant ready = ride.move(static_cast<MessageId>(program.step(end).object));
  if (!pacer.paces()) return;
  pacer.hold_until(ready + pacer.message_time(program.message(end).channel));
  ride.delay(static_cast<MessageId>(program.step(end).object), now());
}

/// The two ends of a message, and the members of a collective, stand next to each other in the order; the last member
/// moves the bytes of all.
void run_iteration(const Program& program, const std::vector<StepId>& order, Ride& ride, Transport& transport,
                   const Pacer& pacer) {
  for (auto first = order.begin(); first != order.end(); ++first) {
    if (is_message_end(program.step(*first).kind)) {
      move(program, *first++, ride, pacer);
      continue;
    }
    const bool together = program.step(*first).kind == StepKind::collective;
    const std::size_t members = together ? program.members(program.collective(*first)).size() : 1;
    const auto last = first + static_cast<std::ptrdiff_t>(members) - 1;
    for (auto step = first; step <= last; ++step) ride.execute(*step, transport);
    for (; first < last; ++first) ride.share_span(*last, *first);
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
    control.fail(
        std::make_exception_ptr(RunError(fmt::format("the run was interrupted in iteration {}", iteration.load()))));
  });
  try {
    for (std::uint32_t w = 0; w < program.workers().size(); ++w) ride.prepare(static_cast<WorkerId>(w));
    for (; iteration < options.iterations; ++iteration) {
      ride.start_iteration(iteration);
      run_iteration(program, order, ride, transport, pacer);
      ride.end_iteration();
    }
  } catch (const Stopped&) {
    control.rethrow();
  }
  return std::move(ride).result(1);
}

RunResult run_on_one_thread(const Program& program, const Model& model, const Dataset& dataset,
                            const RunOptions& options) {
  return run_observed(program, model, dataset, options, nullptr);
}

}  // namespace tandem

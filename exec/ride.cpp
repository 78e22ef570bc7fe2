#include "exec/ride.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/error.hpp"
#include "exec/kernels/product.hpp"
#include "exec/memory_limit.hpp"

namespace tandem {
namespace {

/// Counts the arenas, and the weights and gradients that the result holds.
const Program& checked(const Program& program, const Model& model, std::optional<Bytes> device_memory) {
  if (device_memory) refuse_over_budget(program, *device_memory);
  refuse_too_much(memory_needed(program) + Bytes{8} * model.parameter_count(), available_memory());
  return program;
}

/// Rethrows the exception being handled with step and iteration in front.
[[noreturn]] void rethrow_at(const Program& program, StepId step, std::int64_t iteration) {
  const std::string place = fmt::format("{} (iteration {}): ", program.describe(step), iteration);
  try {
    throw;
  } catch (const Stopped&) {
    throw;
  } catch (const InvariantError& error) {
    throw InvariantError(place + error.what());
  } catch (const std::exception& error) {
    throw RunError(place + error.what());
  } catch (...) {
    throw RunError(place + "threw something that is no std::exception");
  }
}

}  // namespace

Ride::Ride(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options,
           const StopControl& control, const Pacer& pacer)
    : program_(program), options_(options), control_(control), pacer_(pacer),
      memory_(checked(program, model, options.device_memory), options.device_memory),
      weights_(program, model, options.optimizer, memory_),
      runner_({program, model, dataset, options.optimizer, options.seed}, memory_),
      recorder_(program, memory_, std::min(options.iterations, options.timelines)) {
  use_one_blas_thread();
}

void Ride::prepare(WorkerId worker) {
  try {
    memory_.prepare(worker);
  } catch (const std::bad_alloc&) {
    throw ResourceError(fmt::format("worker \"{}\": this machine has no memory left for its buffers",
                                    program_.workers()[index_of(worker)].name));
  }
  weights_.initialise(worker, options_.seed, [this] { return control_.stopped(); });
}

void Ride::start_iteration(std::int64_t iteration) {
  iteration_ = iteration;
  for (std::uint32_t w = 0; w < program_.workers().size(); ++w) memory_.start_iteration(static_cast<WorkerId>(w));
  recorder_.start_iteration(iteration, now());
}

void Ride::end_iteration() {
  recorder_.end_iteration(memory_);
  for (std::uint32_t w = 0; w < program_.workers().size(); ++w) memory_.end_iteration(static_cast<WorkerId>(w));
  float sum = 0;
  for (const float loss : runner_.losses()) sum += loss;
  losses_.push_back(sum / static_cast<float>(runner_.losses().size()));
  if (options_.after_iteration) options_.after_iteration(iteration_, losses_.back());
}

template <class Action>
void Ride::at(StepId step, Action action) {
  control_.throw_if_stopped();
  try {
    action();
  } catch (...) {
    rethrow_at(program_, step, iteration_);
  }
}

void Ride::announce(StepId step) {
  if (options_.before_step) options_.before_step(step, iteration_);
  recorder_.started(step);
}

void Ride::execute(StepId step, Transport& transport) {
  at(step, [&] {
    announce(step);
    if (is_compute(program_.step(step).kind))
      compute(step);
    else if (is_copy(program_.step(step).kind))
      copy(step);
    else
      exchange(step, transport);
  });
}

Instant Ride::move(MessageId id) {
  const Message& message = program_.messages()[index_of(id)];
  for (const StepId end : {message.send, message.receive}) at(end, [&] { announce(end); });
  const Instant ready = now();
  const Picoseconds cpu_start = thread_cpu_time();
  at(message.receive, [&] {
    std::memcpy(runner_.payload(message.receive), runner_.payload(message.send),
                static_cast<std::size_t>(program_.channels()[index_of(message.channel)].bytes.count));
  });
  const Picoseconds cpu_time = thread_cpu_time() - cpu_start;
  const Instant done = now();
  for (const StepId end : {message.send, message.receive}) recorder_.ended(end, ready, done, cpu_time);
  return ready;
}

void Ride::delay(MessageId id, Instant done) {
  const Message& message = program_.messages()[index_of(id)];
  for (const StepId end : {message.send, message.receive}) recorder_.delayed(end, done);
}

/// The wall clock is read outside the thread's: reading that one enters the kernel, which may give the core to another
/// thread then, and such time belongs to the step.
void Ride::compute(StepId step) {
  const Instant start = now();
  const Picoseconds cpu_start = thread_cpu_time();
  change_memory(step, Moment::start, start);
  runner_.run(step, iteration_);
  pacer_.hold_work(program_.step(step).object, start);
  const Picoseconds cpu_time = thread_cpu_time() - cpu_start;
  const Instant end = now();
  change_memory(step, Moment::end, end);
  recorder_.ended(step, start, end, cpu_time);
}

void Ride::change_memory(StepId step, Moment moment, Instant time) {
  const WorkerId worker = program_.worker_of(step);
  memory_.apply(step, moment,
                [&](Bytes bytes, BufferClass kind) { recorder_.changed(worker, time, bytes, kind); });
}

void Ride::copy(StepId step) {
  const Instant start = now();
  const Picoseconds cpu_start = thread_cpu_time();
  runner_.copy(step);
  pacer_.hold_copy(program_.step(step).object, start);
  recorder_.ended(step, start, now(), thread_cpu_time() - cpu_start);
}

void Ride::exchange(StepId member, Transport& transport) {
  const Picoseconds cpu_start = thread_cpu_time();
  const Transfer transfer = transport.collective(member, runner_.payload(member));
  recorder_.ended(member, transfer.ready, transfer.done, thread_cpu_time() - cpu_start);
}

RunResult Ride::result(std::int64_t thread_count) && {
  return {std::move(losses_), std::move(recorder_).take(), weights_.weights(), weights_.gradients(), thread_count};
}

}  // namespace tandem

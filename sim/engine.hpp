#pragma once
// The discrete-event engine: walks a Program through virtual time and fills in the span of every step.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"
#include "sim/event_queue.hpp"
#include "sim/overlap_guard.hpp"
#include "sim/processor_sharing.hpp"
#include "sim/step_states.hpp"

namespace tandem {

/// What happens at one instant happens in rounds, each in this order:
///   1. whatever is due ends: compute steps and transfers;
///   2. messages whose latency is over join their resource;
///   3. compute steps that are ready start, on workers that allow overlap;
///   4. messages whose two ends are ready become active; the cores count as busy if they are now;
///   5. compute steps that are ready start, on workers that forbid overlap (see OverlapGuard).
/// What takes no time ends in the next round of the same instant. Within one part of a round no outcome depends on the
/// order of the steps, so ties are settled by this list alone: renaming workers, or storing events otherwise, changes
/// no span.
class Engine {
 public:
  /// All three must outlive the engine. Throws InvariantError where the prices do not fit the program.
  Engine(const Program& program, const Prices& prices, std::vector<Span>& spans);

  /// Throws InvariantError naming a blocked step if not every step ran, and InputError if time exceeds the clock.
  void run();

  std::span<const ProcessorSharing> resources() const { return resources_; }

 private:
  enum class Happening : std::uint32_t { compute_ends, message_ends, latency_ends, resource_due };

  /// What the hot loop must know of a work: one cache line holds four.
  struct WorkRule {
    std::int64_t time;
    std::uint32_t resource;
    WorkerId worker;
  };

  void reach_heads();
  void happen(const Event& event);
  void start_ready();

  void reach(StepId step, std::uint32_t edges_met);
  void end_step(StepId step);
  void start_compute(StepId step);
  void start_guarded_compute();
  void end_compute(StepId step);
  void arm(StepId send_or_receive);
  void activate(MessageId message);
  void end_latency(MessageId message);
  void transfer(MessageId message);
  void end_message(MessageId message);
  void end_due_jobs(std::uint32_t resource);
  void join(std::uint32_t resource, StepId job, std::int64_t work);
  void schedule(std::uint32_t resource);
  void schedule(std::int64_t duration, Happening what, std::uint32_t id);
  void require_all_ended() const;

  const Program& program_;
  const Prices& prices_;
  const Step* steps_;
  std::uint32_t step_count_;
  std::uint32_t ended_ = 0;
  std::int64_t now_ = 0;
  StepStates states_;
  EventQueue queue_;
  std::vector<WorkRule> rules_;  ///< by WorkId
  OverlapGuard guard_;
  std::vector<ProcessorSharing> resources_;
  std::vector<std::int64_t> pending_;  ///< by resource: the earliest event that is in the queue for it

  std::vector<Event> batch_;
  std::vector<std::uint32_t> finished_;
  std::vector<StepId> ready_compute_, ready_guarded_, ready_ends_;
  std::vector<MessageId> ready_messages_, ready_transfers_;
};

}  // namespace tandem

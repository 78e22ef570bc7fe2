#pragma once
// The discrete-event engine: walks a Program through virtual time and fills in the span of every step.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"
#include "sim/collective_rounds.hpp"
#include "sim/event_queue.hpp"
#include "sim/forecasts.hpp"
#include "sim/overlap_guard.hpp"
#include "sim/shared_hardware.hpp"
#include "sim/step_states.hpp"

namespace tandem {

/// What happens at one instant happens in rounds, each in this order:
///   1. whatever is due ends: compute steps, transfers, exchanges of collectives, whose ends then enter their next
///      round;
///   2. messages whose latency is over join their links; once all have, the shares of links are solved;
///   3. compute steps that are ready start, on workers that allow overlap; those of a host's threads ask for a core;
///   4. members that have been reached enter their collectives, or, where those start as a whole, the last to come
///      starts them; then messages and exchanges whose two ends are ready become active;
///   5. compute steps that are ready start, on workers that forbid overlap (see OverlapGuard).
/// After the last round of an instant hosts hand out their cores (see RunQueue).
/// What takes no time ends in the next round of the same instant. Within one part of a round no outcome depends on the
/// order of the steps, so ties are settled by this list alone: renaming workers, or storing events otherwise, changes
/// no span.
///
/// A collective goes by rounds (CollectiveRounds), each member when it comes, or is foreseen (Forecasts), which gives
/// the same spans with one event a member. As a whole, once the last member has come, starts one that is priced in
/// closed form, or has a member that forbids overlap: a held compute step may be what a missing member waits for.
class Engine {
 public:
  /// The first three must outlive the engine. Throws InvariantError where the prices do not fit the program.
  Engine(const Program& program, const Prices& prices, std::vector<Span>& spans,
         Foresight foresight = Foresight::collectives);

  /// Throws InvariantError naming a blocked step if not every step ran, and InputError if time exceeds the clock.
  void run();

  std::span<const RunQueue> resources() const { return hardware_.resources(); }

 private:
  /// What the hot loop must know of a work: one cache line holds four.
  struct WorkRule {
    std::int64_t time;
    std::uint32_t resource;
    std::uint32_t rank : 31;    ///< of the worker
    std::uint32_t guarded : 1;  ///< does OverlapGuard hold it?
    WorkerId worker() const { return static_cast<WorkerId>(rank); }
  };

  void happen(const Event& event);
  void start_ready();
  void settle();

  void reach(StepId step, std::uint32_t edges_met);
  void end_step(StepId step);
  void start_compute(StepId step);
  void start_guarded_compute();
  void end_compute(StepId step);
  void release_exchanges(WorkerId worker);

  void reach_copy(StepId copy);
  void start_copy(StepId copy);
  void end_copy(StepId copy);

  void arm(StepId send_or_receive);
  void activate(StepId send);
  void end_message(StepId send);
  void start_transfer(StepId sender, const RoutePrice& route, std::int64_t alone);
  StreamId mover(StepId sender) const;
  void end_latency(StepId sender);
  void transfer(StepId sender);
  void add_flow(StepId sender, const RoutePrice& route, double bytes);
  void end_transfer(StepId sender);
  template <class Gather>
  void end_each(Gather gather);

  void arrive(StepId member);
  void enter(StepId member);
  void resume(StepId member);
  void go_on(const Forecasts::Exchange& exchange);
  void end_foreseen(StepId member);
  void start_whole(CollectiveId collective);
  void activate(StreamId sender);
  void end_exchange(StreamId sender);
  void end_member(StepId member);
  void end_whole(CollectiveId collective);

  void schedule(std::int64_t duration, Happening what, std::uint32_t id);
  void require_all_ended() const;
  std::string absent_member(StepId step) const;

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
  SharedHardware hardware_;
  CollectiveRounds rounds_;
  Forecasts forecasts_;
  std::vector<bool> starts_whole_;        ///< by CollectiveSpecId
  std::vector<std::uint32_t> arrived_;    ///< members, by CollectiveId; empty where none starts as a whole

  std::vector<Event> batch_;
  std::vector<std::uint32_t> finished_;
  std::vector<StepId> ready_compute_, ready_guarded_, ready_ends_, ready_messages_, ready_transfers_, released_;
  std::vector<StepId> ready_copies_;
  std::vector<StepId> ended_members_;
  std::vector<StreamId> ready_exchanges_;
  std::vector<CollectiveId> ready_wholes_;
  Forecasts::State resumed_;
};

}  // namespace tandem

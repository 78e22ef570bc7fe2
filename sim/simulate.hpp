#pragma once
// The simulated ride: a Program and its prices become a Timeline in virtual time.

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"

namespace tandem {

struct SimulateOptions {
  bool record_memory = true;  ///< false: leaves the memory curve and its peaks empty; they take half of the Timeline
  bool record_order = true;   ///< false: leaves the order empty
};

/// Runs one iteration of the Program from time 0. In-order streams and `after` edges say what may start; a message
/// moves when both of its ends have been reached: it takes its latency, then its transfer shares its links; or a thread
/// of its host moves it. Both steps span the whole of it. A collective goes round by round: a member enters the next
/// when its own send and receive are over, and its step spans from its first exchange's beginning to its last one's
/// end. Priced in closed form, it takes that from when the last member has come, and all steps span the same. Links are
/// shared max-min fairly (FlowNetwork), cores are taken in turns (RunQueue); both state their rounding. Engine states
/// how ties are settled.
/// The same inputs give the same bytes on any machine; threads may simulate the same Program at once.
///
/// Throws InvariantError naming a blocked step where the Program dead-locks (verify() refuses such a Program), and
/// InputError where the iteration takes longer than the clock can tell. `cpu_time` stays empty.
Timeline simulate(const Program& program, const Prices& prices, const SimulateOptions& options = {});

}  // namespace tandem

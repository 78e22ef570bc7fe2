#pragma once
// Predicts how long threads take to add up terms together, from what a term, an update, a lock and a cache line cost.

#include <cstdint>

#include "base/units.hpp"

namespace tandem {

/// What the pieces cost on a machine, each measured by itself.
struct SharingCosts {
  Seconds term;           ///< a term computed and added to a register, in a loop of them
  Seconds thread_start;   ///< from one thread's start to the next one's, and its end waited for
  Seconds plain_update;   ///< load, add, store to memory in a loop, alone
  Seconds atomic_update;  ///< the same by compare-exchange, alone
  Seconds locked_update;  ///< lock, load, add, store, unlock, alone
  Seconds line_transfer;  ///< a cache line from the core that has it to another
  Seconds futex_refused;  ///< the system call that would sleep, where the value has changed meanwhile
  Seconds futex_wake;     ///< the system call that wakes, nobody being asleep
  Seconds wake_latency;   ///< from that call to when a sleeper runs again
};

struct SharingJob {
  std::int64_t terms;
  std::int64_t threads;  ///< thread i on core i mod cores
  std::int64_t cores;
};

/// Each costs a few nanoseconds a term. Throws InputError where the time is beyond the clock's range.

/// terms x term.
Picoseconds predict_serial_sum(const SharingJob& job, const SharingCosts& costs);
/// Threads that share nothing: the most loaded core's terms, and a start per thread.
Picoseconds predict_per_thread_sum(const SharingJob& job, const SharingCosts& costs);
/// Stores wait in the core's store buffer for the line; loads see them there, else wait for the line to be read.
Picoseconds predict_unsynchronised_sum(const SharingJob& job, const SharingCosts& costs);
/// Reads the line, then owns it, and once more where another core has written in between.
Picoseconds predict_atomic_sum(const SharingJob& job, const SharingCosts& costs);
/// The three-state lock on a futex (Drepper, "Futexes Are Tricky", 2011, section 6), which std::mutex is under Linux.
Picoseconds predict_mutex_sum(const SharingJob& job, const SharingCosts& costs);

}  // namespace tandem

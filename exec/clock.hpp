#pragma once
// The clocks of a real run: elapsed time, and the processor time that the calling thread has used.

#include <chrono>

#include "base/units.hpp"

namespace tandem {

using Instant = std::chrono::steady_clock::time_point;

inline Instant now() { return std::chrono::steady_clock::now(); }
inline Picoseconds between(Instant start, Instant end) {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count() * 1000};
}

/// CLOCK_THREAD_CPUTIME_ID of the calling thread.
Picoseconds thread_cpu_time();

}  // namespace tandem

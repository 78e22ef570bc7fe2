#include "exec/clock.hpp"

#include <ctime>

#include "base/error.hpp"

namespace tandem {

Picoseconds thread_cpu_time() {
  timespec time{};
  invariant(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "the thread has a clock of its own");
  return {(time.tv_sec * 1'000'000'000 + time.tv_nsec) * 1000};
}

}  // namespace tandem

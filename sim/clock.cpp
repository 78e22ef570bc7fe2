#include "sim/clock.hpp"

#include "base/error.hpp"

namespace tandem {

void refuse_time_beyond_clock() {
  throw InputError("the simulated iteration exceeds the clock", "more than 2^63 ps", "at most about 106 days");
}

}  // namespace tandem

#pragma once
// When a message, or one worker's part of a collective, moved.

#include "exec/clock.hpp"

namespace tandem {

struct Transfer {
  Instant ready;  ///< all that a message, or the first exchange of a collective, needed was there
  Instant done;   ///< the bytes had arrived, or the last round was over
};

}  // namespace tandem

#pragma once
// Memory over virtual time: the worker's MemoryScript, walked along its compute stream.

#include <vector>

#include "plan/memory_script.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"

namespace tandem {

/// Fills `timeline.memory` and `timeline.peaks` from `timeline.spans`. Persistent buffers are allocated at time 0 and
/// never freed. Throws InvariantError where a worker would free more than it holds.
void record_memory(const Program& program, const MemoryScript& script, Timeline& timeline);

}  // namespace tandem

#pragma once
// Threads bound to a core each, so that where they run is not left to chance.

#include <cstdint>
#include <functional>

namespace tandem {

/// The cores that this process may use: at least 1.
std::int64_t usable_cores();

/// Calls `body(i)` on `threads` threads, thread i bound to the i-th usable core, from the first again after the last;
/// returns when all have ended. Where the system refuses a binding the thread runs unbound. The body must not throw.
void on_bound_threads(std::int64_t threads, const std::function<void(std::int64_t thread)>& body);

}  // namespace tandem

#pragma once
// What the events of a simulation mean.

#include <cstdint>

namespace tandem {

enum class Happening : std::uint32_t {
  compute_ends,     ///< of a compute step
  latency_ends,     ///< of what this step sends
  transfer_ends,    ///< of what this step sends, on a route of its own
  member_ends,      ///< of the collective's step that had nothing to exchange
  foreseen_end,     ///< of this member of a collective, unless something has come in the way
  collective_ends,  ///< of the collective as a whole, by its closed form
  resource_due,     ///< a job of the resource may have ended, or a thread's turn
  network_due,      ///< a flow may have ended
  link_due,         ///< a flow of the separate link may have ended
};

}  // namespace tandem

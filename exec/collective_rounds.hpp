#pragma once
// What a collective does to the vectors of its members, one message at a time.

#include <span>

#include "plan/collective.hpp"
#include "plan/program.hpp"

namespace tandem {

/// What a rank does within its own vector before the first round.
void copy_own(const CollectiveShape& shape, std::uint32_t rank, std::byte* vector);

/// Takes the message of one round: straight from the sender's vector into the receiver's, copied, or
/// added as add_values() does. `sent` is the sender's exchange of that round, `received` the receiver's.
void take_message(const CollectiveShape& shape, const RoundExchange& sent, const std::byte* sender,
                  const RoundExchange& received, std::byte* receiver);

/// All rounds of all ranks in lock-step on one thread: the same bits as members on threads of their own. By rank.
void run_all_ranks(const CollectiveSpec& spec, std::span<std::byte* const> vectors);

}  // namespace tandem

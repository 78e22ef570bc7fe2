#pragma once
// `--memory`: each worker's curve, what is alive at the peak, and what the device leaves to fragmentation.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "timeline/ride.hpp"
#include "tools/console.hpp"
#include "tools/job.hpp"
#include "tools/options.hpp"

namespace tandem {

/// --memory and --memory-of.
std::vector<Flag> memory_flags();

/// The workers that --memory-of names (a name, a rank, or all); without it the telling ones. Throws InputError with a
/// "did you mean".
std::vector<WorkerId> asked_workers(const Arguments& arguments, const Program& program, const Timeline& timeline);

/// The curves of the asked workers, what the highest of them holds at its peak, and the devices' memory with its
/// reserve. Empty where neither flag is given.
std::string memory_view(const Arguments& arguments, const Console& console, const Job& job, const Ride& ride);

/// What every worker holds at its peak, and by device what is needed, usable and reserved.
nlohmann::ordered_json memory_json(const Job& job);

}  // namespace tandem

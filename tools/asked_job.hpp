#pragma once
// The job that a command line asks for: flags and files, judged before anything that takes long.

#include <vector>

#include <optional>

#include "plan/prices.hpp"
#include "tools/console.hpp"
#include "tools/job.hpp"
#include "tools/options.hpp"

namespace tandem {

Flag network_flag();
/// --cost and --network.
std::vector<Flag> price_flags();
/// --cost: measured where it is not given. Throws InputError.
CostModel asked_costs(const Arguments& arguments);
/// --network: shared where it is not given. Throws InputError.
NetworkMode asked_network(const Arguments& arguments);

/// The plan of the arguments, or `fallback` where they name no file; valid for the purpose. Throws InputError.
Plan asked_plan(const Arguments& arguments, Purpose purpose, const Plan& fallback = {});

/// The job of that plan, partitioned by the costs that --cost names. Measures this machine where the plan is for it and
/// no profile is kept; wrong input is refused before that.
Job asked_job(const Arguments& arguments, Purpose purpose, Console& console,
              std::optional<Bytes> worker_memory = {});

/// Throws NoAnswer where the job does not fit, with what would make it fit, predicted by --cost and --network.
void require_memory(const Arguments& arguments, const Job& job, Console& console);

/// Prices of the job by --cost and --network.
Prices asked_prices(const Arguments& arguments, const Job& job);

}  // namespace tandem

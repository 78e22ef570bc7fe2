#pragma once
// The results of `tandem reduce` for people and as JSON.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tools/reduce.hpp"
#include "tools/reduce_random.hpp"

namespace tandem {

std::string reduce_text(const ReduceResult& result, const ReduceOptions& options);
nlohmann::ordered_json reduce_json(const ReduceResult& result, const ReduceOptions& options);

std::string monte_carlo_text(const std::vector<MonteCarloRow>& rows, const MonteCarloOptions& options);
nlohmann::ordered_json monte_carlo_json(const std::vector<MonteCarloRow>& rows, const MonteCarloOptions& options);

}  // namespace tandem

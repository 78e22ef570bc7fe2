#pragma once
// `--staleness-report`: which version of its stage's weights each micro-batch used, as the Program's steps tell.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "plan/program.hpp"
#include "tools/options.hpp"

namespace tandem {

/// --staleness-report
Flag staleness_flag();
/// A line per stage: the versions by micro-batch, and by how many updates the gradients were late.
std::string staleness_text(const Program& program);
nlohmann::ordered_json staleness_json(const Program& program);

}  // namespace tandem

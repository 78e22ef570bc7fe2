#pragma once
// What a plan says without effect: keys that its other keys, its model or its schedule leave nothing to decide.

#include <string>
#include <string_view>
#include <vector>

#include "tools/job.hpp"
#include "tools/options.hpp"

namespace tandem {

struct WithoutEffect {
  std::string key;  ///< of the plan file
  std::string why;  ///< "the schedule 1f1b runs 1 stage per rank"
};

/// Keys that differ from their defaults and change nothing of this job.
std::vector<WithoutEffect> without_effect(const Job& job);

/// Throws InputError at a flag that is given and changes nothing of the plan, whatever its value.
void refuse_without_effect(const Arguments& arguments, const Plan& plan);

}  // namespace tandem

#pragma once
// What is told of a schedule that was searched for or compared with others.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tools/job.hpp"

namespace tandem {

/// Lines, each with its break before it: what `auto` became, and how far from the shortest possible the order is. "" of a
/// job whose plan named its schedule.
std::string schedule_text(const Job& job);
/// Lines that begin with '#': what `auto` tried, the shortest first. "" where nothing was compared.
std::string schedule_trials_text(const Job& job);

/// Null where there is nothing to tell.
nlohmann::ordered_json schedule_search_json(const Job& job);
nlohmann::ordered_json schedule_trials_json(const Job& job);

}  // namespace tandem

#pragma once
// What the models of a shared sum have in common.

#include <vector>

#include "sim/shared_sum.hpp"

namespace tandem {

void require_valid(const SharingJob& job);
/// Terms of each thread: equal shares, the first ones one longer where they do not divide.
std::vector<std::int64_t> terms_by_thread(const SharingJob& job);
/// Until the last thread has started: no sum with threads takes less.
Picoseconds start_of_all(const SharingJob& job, const SharingCosts& costs);

}  // namespace tandem

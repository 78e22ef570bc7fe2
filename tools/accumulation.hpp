#pragma once
// The ways to add up terms on several threads as a table: what each is, how it is run and how it is modelled.

#include <span>
#include <string_view>

#include "exec/shared_sum.hpp"
#include "sim/shared_sum.hpp"

namespace tandem {

struct Accumulation {
  std::string_view name;  ///< as --accumulate takes it
  std::string_view meaning;
  std::string_view model;
  const SharedSumProgram* program;
  Picoseconds (*predict)(const SharingJob&, const SharingCosts&);
};

/// The first is what the others' speed-up is told against.
std::span<const Accumulation> accumulations();
/// Throws InputError with a "did you mean".
const Accumulation& find_accumulation(std::string_view name);

}  // namespace tandem

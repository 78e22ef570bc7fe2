#pragma once
// Finds profiles by name: in the zoo that is compiled in, or in a file.

#include <optional>
#include <string>

#include "hardware_profiles/device.hpp"

namespace tandem {

/// The zoo's device of this name, if it has one.
std::optional<Device> find_zoo_device(const std::string& name);

/// "tesla-k80:4" as its parts; the count is 1 where none is written.
struct CountedName {
  std::string name;
  std::int64_t count = 1;
  bool counted = false;  ///< was a count written?
};
/// Splits at the last ':' where only what looks like a number follows. Throws InputError when it is none.
CountedName split_count(const std::string& text);

}  // namespace tandem

#pragma once
// A timeline under the name that a picture of it shows.

#include <string_view>

#include "plan/timeline.hpp"

namespace tandem {

/// Refers to what the caller keeps.
struct Ride {
  std::string_view name;  ///< "predicted"
  const Timeline& timeline;
};

}  // namespace tandem

#pragma once
// A range of rows of a layer's output: what one call of a kernel computes where a halo is still under way.

#include <cstddef>
#include <cstdint>

namespace tandem {

/// Rows [first, first + count) along one dimension of a sample; 0 rows are fine.
struct OutputRows {
  std::size_t dimension = 0;
  std::int64_t first = 0, count = 0;
  bool operator==(const OutputRows&) const = default;
};

}  // namespace tandem

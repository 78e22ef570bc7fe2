#pragma once
// A rectangle of an image [channels, height, width]: what one call of a kernel computes of its output where a halo is still
// under way.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem {

inline constexpr std::size_t kImageRows = 1, kImageColumns = 2;  ///< dimensions of an image

/// Indices [first, first + count) of a dimension; a count of 0 is fine.
struct OutputRange {
  std::int64_t first = 0, count = 0;
  std::int64_t end() const { return first + count; }
  bool operator==(const OutputRange&) const = default;
};

/// The same rows and columns of all channels of all samples.
struct OutputRectangle {
  OutputRange rows, columns;
  std::int64_t values() const { return rows.count * columns.count; }
  bool operator==(const OutputRectangle&) const = default;
};

/// What `outer` has beyond `inner`, which lies within it: above and below it, then to its left and right. None is empty.
inline std::vector<OutputRectangle> frame_around(const OutputRectangle& inner, const OutputRectangle& outer) {
  std::vector<OutputRectangle> pieces;
  const auto add = [&](const OutputRectangle& piece) {
    if (piece.values() > 0) pieces.push_back(piece);
  };
  if (inner.values() == 0) {
    add(outer);
    return pieces;
  }
  const OutputRange &rows = inner.rows, &columns = inner.columns;
  add({{outer.rows.first, rows.first - outer.rows.first}, outer.columns});
  add({{rows.end(), outer.rows.end() - rows.end()}, outer.columns});
  add({rows, {outer.columns.first, columns.first - outer.columns.first}});
  add({rows, {columns.end(), outer.columns.end() - columns.end()}});
  return pieces;
}

}  // namespace tandem

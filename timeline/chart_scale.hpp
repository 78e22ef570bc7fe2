#pragma once
// The frame that the terminal's charts share: time on columns, the axis below, names beside.

#include <string>
#include <string_view>
#include <vector>

#include "timeline/intervals.hpp"

namespace tandem {

/// Divides [0, total) into columns, exactly and without overflow.
class ColumnScale {
 public:
  ColumnScale(Picoseconds total, int columns);
  int columns() const { return columns_; }
  Picoseconds total() const { return {total_}; }
  std::int64_t start_of(int column) const;
  /// The column that holds the time; times outside go to the first or the last.
  int column_of(Picoseconds time) const;

 private:
  std::int64_t total_;
  int columns_;
};

/// Two lines, ticks and labels, each `margin` characters to the right; the unit stands at the end of the margin.
std::string time_axis(const ColumnScale& scale, int margin);

/// Printable ASCII of at most `width` characters: others become '?', a cut is marked by '~'.
std::string plain_name(std::string_view name, std::size_t width);

/// Items joined by ", ", broken between items into lines of at most `width`.
std::string flow(const std::vector<std::string>& items, int width);

/// Indices of the rows to show of `count`: all, or the first and the last ones, `limit` in all.
std::vector<std::size_t> shown_rows(std::size_t count, std::size_t limit);

}  // namespace tandem

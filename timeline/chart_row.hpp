#pragma once
// One worker's compute stream as a line of characters, and what its host computes for it as another.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "timeline/chart_scale.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {

/// What a column can show. Ties of coverage go to the first.
enum class Paint : std::uint8_t {
  forward, backward, weight_gradient, recompute, update, gradients, waiting, ends, nothing
};
inline constexpr std::size_t kPaints = 9;

struct Mark {
  char glyph;                ///< of micro-batch 0, where numbered
  bool numbered;             ///< glyph + last digit of the micro-batch
  std::string_view meaning;  ///< for the legend; empty: not in it
  std::string_view colour;   ///< escape sequence; empty: none
};
const Mark& mark_of(Paint paint);
Paint paint_of(StepKind kind);

/// What is painted in each column: the paint that covers most of it, and the micro-batch with the longest part in that.
struct Cell {
  Paint paint = Paint::nothing;
  std::uint32_t micro_batch = 0;
};

/// Time counts from the ride's own first start.
std::vector<Cell> paint_row(const Program& program, const Timeline& timeline, WorkerId worker,
                            const ColumnScale& scale);

/// What the host's cores compute for the worker meanwhile; none where they compute nothing.
std::vector<Cell> paint_host_row(const Program& program, const Timeline& timeline, WorkerId worker,
                                 const ColumnScale& scale);

/// The row as text; colour sequences take no column.
std::string to_text(const std::vector<Cell>& row, bool colour);

}  // namespace tandem

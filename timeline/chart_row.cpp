#include "timeline/chart_row.hpp"

#include <algorithm>

#include "timeline/idle.hpp"

namespace tandem {
namespace {

/// How much of a column each paint covers.
struct Coverage {
  std::array<std::int64_t, kPaints> covered{}, longest{};
  std::array<std::uint32_t, kPaints> micro_batch{};

  void add(std::int64_t length, Paint paint, std::uint32_t batch) {
    const auto i = static_cast<std::size_t>(paint);
    covered[i] += length;
    if (length <= longest[i]) return;
    longest[i] = length;
    micro_batch[i] = batch;
  }
  Cell winner() const {
    const auto i = static_cast<std::size_t>(std::max_element(covered.begin(), covered.end()) - covered.begin());
    if (covered[i] == 0) return {};
    return {static_cast<Paint>(i), micro_batch[i]};
  }
};

class Row {
 public:
  Row(const ColumnScale& scale, Picoseconds zero)
      : scale_(scale), zero_(zero), columns_(static_cast<std::size_t>(scale.columns())) {}

  void add(const Span& span, Paint paint, std::uint32_t micro_batch = 0) {
    const std::int64_t start = (span.start - zero_).count, end = (span.end - zero_).count;
    for (int column = scale_.column_of({start}); column < scale_.columns() && scale_.start_of(column) < end; ++column) {
      const std::int64_t from = std::max(start, scale_.start_of(column));
      const std::int64_t to = std::min(end, scale_.start_of(column + 1));
      if (from < to) columns_[static_cast<std::size_t>(column)].add(to - from, paint, micro_batch);
    }
  }
  void add_steps(const Program& program, const Timeline& timeline, const Stream& stream) {
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
      const Step& step = program.step(static_cast<StepId>(i));
      add(timeline.spans[i], paint_of(step.kind), step.micro_batch);
    }
  }
  std::vector<Cell> cells() const {
    std::vector<Cell> cells;
    for (const Coverage& column : columns_) cells.push_back(column.winner());
    return cells;
  }

 private:
  const ColumnScale& scale_;
  Picoseconds zero_;
  std::vector<Coverage> columns_;
};

char glyph_of(const Cell& cell) {
  const Mark& mark = mark_of(cell.paint);
  return mark.numbered ? static_cast<char>(mark.glyph + cell.micro_batch % 10) : mark.glyph;
}

}  // namespace

const Mark& mark_of(Paint paint) {
  static constexpr Mark kMarks[] = {
      {'0', true, "forward", "\x1b[34m"},
      {'a', true, "backward", "\x1b[32m"},
      {'A', true, "weight gradient", "\x1b[36m"},
      {'~', false, "recompute", "\x1b[33m"},
      {'=', false, "update", ""},
      {'+', false, "gradient sums", ""},
      {'.', false, "waiting", ""},
      {'-', false, "start and drain", ""},
      {' ', false, "", ""},
  };
  static_assert(std::size(kMarks) == kPaints);
  return kMarks[static_cast<std::size_t>(paint)];
}

Paint paint_of(StepKind kind) {
  static constexpr Paint kPaintOf[] = {
      Paint::gradients,        // zero_gradients
      Paint::forward,          // forward
      Paint::backward,         // backward
      Paint::backward,         // input_gradient
      Paint::weight_gradient,  // weight_gradient
      Paint::recompute,        // recompute
      Paint::gradients,        // add_gradient
      Paint::update,           // update
      Paint::nothing,          // settle
      Paint::update,           // own_block
      Paint::nothing,          // send
      Paint::nothing,          // receive
      Paint::nothing,          // collective
  };
  static_assert(std::size(kPaintOf) == static_cast<std::size_t>(StepKind::collective) + 1);
  return kPaintOf[static_cast<std::size_t>(kind)];
}

std::vector<Cell> paint_row(const Program& program, const Timeline& timeline, WorkerId worker,
                            const ColumnScale& scale) {
  const Span iteration = extent_of(timeline);
  Row row(scale, iteration.start);
  row.add_steps(program, timeline, program.stream(program.workers()[index_of(worker)].compute));
  for_each_idle(program, timeline, worker, iteration, [&row](const Span& span, IdleCause cause) {
    row.add(span, cause == IdleCause::start || cause == IdleCause::drain ? Paint::ends : Paint::waiting);
  });
  return row.cells();
}

std::vector<Cell> paint_host_row(const Program& program, const Timeline& timeline, WorkerId worker,
                                 const ColumnScale& scale) {
  const auto streams = program.streams();
  const auto host = std::ranges::find_if(streams, [&](const Stream& stream) {
    return stream.worker == worker && stream.kind == StreamKind::host;
  });
  if (host == streams.end()) return {};
  Row row(scale, extent_of(timeline).start);
  row.add_steps(program, timeline, *host);
  return row.cells();
}

std::string to_text(const std::vector<Cell>& row, bool colour) {
  std::string text;
  std::string_view current;
  for (const Cell& cell : row) {
    const std::string_view wanted = colour ? mark_of(cell.paint).colour : "";
    if (wanted != current) text += wanted.empty() ? "\x1b[0m" : wanted;
    current = wanted;
    text += glyph_of(cell);
  }
  return current.empty() ? text : text + "\x1b[0m";
}

}  // namespace tandem

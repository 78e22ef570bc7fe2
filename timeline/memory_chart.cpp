#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "timeline/chart.hpp"
#include "timeline/chart_scale.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

constexpr int kHeight = 6;
constexpr std::string_view kGlyphs = "wgoasxm";  // by BufferClass
static_assert(kGlyphs.size() == kBufferClasses);

using Held = std::array<std::int64_t, kBufferClasses>;

std::int64_t sum_of(const Held& held) { return std::accumulate(held.begin(), held.end(), std::int64_t{0}); }

std::span<const MemoryEvent> events_of(const Timeline& timeline, WorkerId worker) {
  const auto [first, last] = std::ranges::equal_range(timeline.memory, worker, {}, &MemoryEvent::worker);
  return {first, last};
}

/// By column, what was held when the sum was largest.
std::vector<Held> columns_of(const Timeline& timeline, WorkerId worker, const ColumnScale& scale) {
  const Picoseconds zero = extent_of(timeline).start;
  std::vector<Held> columns(static_cast<std::size_t>(scale.columns()));
  Held now{};
  std::size_t reached = 0;
  for (const MemoryEvent& event : events_of(timeline, worker)) {
    const auto column = std::max(reached, static_cast<std::size_t>(scale.column_of(event.time - zero)));
    while (reached < column) columns[++reached] = now;
    now[static_cast<std::size_t>(event.kind)] += event.bytes;
    if (sum_of(now) > sum_of(columns[column])) columns[column] = now;
  }
  while (reached + 1 < columns.size()) columns[++reached] = now;
  return columns;
}

/// The class with the largest part of [low, high) of the stack, or a blank where more of it is free.
char glyph_at(const Held& held, double low, double high) {
  double bottom = 0, best = 0;
  char glyph = ' ';
  for (std::size_t i = 0; i < kBufferClasses; ++i) {
    const double top = bottom + static_cast<double>(held[i]);
    const double part = std::min(top, high) - std::max(bottom, low);
    if (part > best) best = part, glyph = kGlyphs[i];
    bottom = top;
  }
  return high - std::max(bottom, low) > best ? ' ' : glyph;
}

std::int64_t largest_peak(const Timeline& timeline) {
  std::int64_t largest = 1;
  for (const MemoryPeak& peak : timeline.peaks) largest = std::max(largest, peak.total.count);
  return largest;
}

std::string peaks_text(const MemoryPeak& peak, int width) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < kBufferClasses; ++i) {
    std::string name(name_of(static_cast<BufferClass>(i)));
    std::ranges::replace(name, '_', ' ');
    if (peak.by_class[i].count == 0) continue;
    items.push_back(fmt::format("{} {} {}", kGlyphs[i], name, to_text(peak.by_class[i])));
  }
  return items.empty() ? "" : flow(items, width);
}

std::string worker_graph(const Timeline& timeline, WorkerId worker, const ColumnScale& scale, int margin) {
  const std::vector<Held> columns = columns_of(timeline, worker, scale);
  const auto largest = static_cast<double>(largest_peak(timeline));
  std::string text;
  for (int row = kHeight - 1; row >= 0; --row) {
    std::string line;
    for (const Held& held : columns) line += glyph_at(held, largest * row / kHeight, largest * (row + 1) / kHeight);
    const std::string label = row + 1 == kHeight ? to_text(Bytes{largest_peak(timeline)}) : row == 0 ? "0 B" : "";
    text += fmt::format("{:>{}} |{}|\n", label, margin - 2, line);
  }
  return text;
}

}  // namespace

std::string memory_chart(const Program& program, const Ride& ride, const ChartOptions& options) {
  constexpr int kMargin = 10;  // "12.4 MiB |"
  const int width = std::max(options.width, kNarrowestChart);
  const ColumnScale scale(length_of(extent_of(ride.timeline)), width - kMargin - 1);
  std::string text;
  std::size_t next = 0;
  for (const std::size_t worker : shown_rows(program.workers().size(), options.rows)) {
    if (worker != next) text += fmt::format("{} more workers\n", worker - next);
    const MemoryPeak& peak = ride.timeline.peaks[worker];
    const std::string name = plain_name(program.workers()[worker].name, static_cast<std::size_t>(width) / 3);
    text += fmt::format("{}: peak {}\n", name, to_text(peak.total));
    text += worker_graph(ride.timeline, static_cast<WorkerId>(worker), scale, kMargin) + peaks_text(peak, width);
    next = worker + 1;
  }
  return text + time_axis(scale, kMargin);
}

}  // namespace tandem

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
constexpr std::string_view kGlyphs = "wgoasxmh";  // by BufferClass
static_assert(kGlyphs.size() == kBufferClasses);
constexpr std::string_view kColours[] = {"\x1b[34m", "\x1b[32m", "\x1b[35m", "\x1b[36m",
                                         "\x1b[33m", "\x1b[31m", "\x1b[37m", "\x1b[90m"};  // by BufferClass
static_assert(std::size(kColours) == kBufferClasses);

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
    if (on_device(event.kind)) now[static_cast<std::size_t>(event.kind)] += event.bytes;
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
    const bool inside = on_device(static_cast<BufferClass>(i));
    items.push_back(inside ? fmt::format("{} {} {}", kGlyphs[i], name, to_text(peak.by_class[i]))
                           : fmt::format("not drawn: {} {}", name, to_text(peak.by_class[i])));
  }
  return items.empty() ? "" : flow(items, width);
}

/// Colour sequences take no column.
std::string coloured(const std::string& glyphs) {
  std::string text;
  std::string_view current;
  for (const char glyph : glyphs) {
    const std::size_t kind = kGlyphs.find(glyph);
    const std::string_view wanted = kind == std::string_view::npos ? "" : kColours[kind];
    if (wanted != current) text += wanted.empty() ? "\x1b[0m" : wanted;
    current = wanted;
    text += glyph;
  }
  return current.empty() ? text : text + "\x1b[0m";
}

std::string worker_graph(const Timeline& timeline, WorkerId worker, const ColumnScale& scale, int margin,
                         bool colour) {
  const std::vector<Held> columns = columns_of(timeline, worker, scale);
  const auto largest = static_cast<double>(largest_peak(timeline));
  std::string text;
  for (int row = kHeight - 1; row >= 0; --row) {
    std::string line;
    for (const Held& held : columns) line += glyph_at(held, largest * row / kHeight, largest * (row + 1) / kHeight);
    const std::string label = row + 1 == kHeight ? to_text(Bytes{largest_peak(timeline)}) : row == 0 ? "0 B" : "";
    text += fmt::format("{:>{}} |{}|\n", label, margin - 2, colour ? coloured(line) : line);
  }
  return text;
}

}  // namespace

std::vector<WorkerId> telling_workers(const Timeline& timeline, std::size_t limit) {
  const auto count = static_cast<std::uint32_t>(timeline.peaks.size());
  const auto by_peak = [](const MemoryPeak& a, const MemoryPeak& b) { return a.total < b.total; };
  const auto place = [&](auto peak) { return static_cast<std::uint32_t>(peak - timeline.peaks.begin()); };
  std::vector<std::uint32_t> wanted;
  if (count > 0)
    wanted = {place(std::ranges::max_element(timeline.peaks, by_peak)),
              place(std::ranges::min_element(timeline.peaks, by_peak)), 0, count - 1};
  for (std::uint32_t worker = 0; worker < count && worker < limit; ++worker) wanted.push_back(worker);
  std::vector<WorkerId> chosen;
  for (const std::uint32_t worker : wanted)
    if (chosen.size() < std::max<std::size_t>(limit, 1) && std::ranges::find(chosen, WorkerId{worker}) == chosen.end())
      chosen.push_back(WorkerId{worker});
  std::ranges::sort(chosen);
  return chosen;
}

std::string memory_chart(const Program& program, const Ride& ride, std::span<const WorkerId> workers,
                         const ChartOptions& options) {
  constexpr int kMargin = 10;  // "12.4 MiB |"
  const int width = std::max(options.width, kNarrowestChart);
  const ColumnScale scale(length_of(extent_of(ride.timeline)), width - kMargin - 1);
  std::string text;
  for (const WorkerId worker : workers) {
    const MemoryPeak& peak = ride.timeline.peaks[index_of(worker)];
    const std::string name = plain_name(program.workers()[index_of(worker)].name, static_cast<std::size_t>(width) / 3);
    text += fmt::format("{}: peak {}\n", name, to_text(peak.total));
    text += worker_graph(ride.timeline, worker, scale, kMargin, options.colour) + peaks_text(peak, width);
  }
  text += time_axis(scale, kMargin);
  if (workers.size() == program.workers().size()) return text;
  return text + fmt::format("{} of {} workers are not drawn\n", program.workers().size() - workers.size(),
                            program.workers().size());
}

std::string memory_chart(const Program& program, const Ride& ride, const ChartOptions& options) {
  return memory_chart(program, ride, telling_workers(ride.timeline, options.graphs), options);
}

}  // namespace tandem

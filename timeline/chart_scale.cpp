#include "timeline/chart_scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tandem {
namespace {

struct TimeUnit {
  std::string_view name;
  std::int64_t picoseconds;
};

TimeUnit unit_for(Picoseconds total) {
  static constexpr TimeUnit kUnits[] = {
      {"s", 1'000'000'000'000}, {"ms", 1'000'000'000}, {"us", 1'000'000}, {"ns", 1'000}, {"ps", 1}};
  for (const TimeUnit& unit : kUnits)
    if (total.count >= unit.picoseconds) return unit;
  return kUnits[std::size(kUnits) - 1];
}

/// 1, 2 or 5 times a power of ten: the smallest whose ticks stand ten columns apart or more.
std::int64_t tick_distance(const ColumnScale& scale) {
  constexpr double kColumnsApart = 10;
  const double least = static_cast<double>(scale.total().count) * kColumnsApart / scale.columns();
  for (std::int64_t power = 1;; power *= 10)
    for (const std::int64_t digit : {1, 2, 5})
      if (static_cast<double>(digit * power) >= least || power > scale.total().count) return digit * power;
}

void put(std::string& line, std::size_t at, std::string_view text) {
  if (line.size() < at + text.size()) line.resize(at + text.size(), ' ');
  line.replace(at, text.size(), text);
}

}  // namespace

ColumnScale::ColumnScale(Picoseconds total, int columns)
    : total_(std::max<std::int64_t>(total.count, 1)), columns_(columns) {
  invariant(columns > 0, "a chart has columns");
}

std::int64_t ColumnScale::start_of(int column) const {
  return total_ / columns_ * column + total_ % columns_ * column / columns_;
}

int ColumnScale::column_of(Picoseconds time) const {
  const double guess = static_cast<double>(time.count) / static_cast<double>(total_) * columns_;
  int column = static_cast<int>(std::clamp(guess, 0.0, static_cast<double>(columns_ - 1)));
  while (column > 0 && start_of(column) > time.count) --column;
  while (column < columns_ - 1 && start_of(column + 1) <= time.count) ++column;
  return column;
}

std::string time_axis(const ColumnScale& scale, int margin) {
  const TimeUnit unit = unit_for(scale.total());
  const std::int64_t distance = tick_distance(scale);
  const auto columns = static_cast<std::size_t>(scale.columns());
  std::string ticks(columns, '-'), labels;
  for (std::int64_t time = 0; time < scale.total().count; time += distance) {
    const auto column = static_cast<std::size_t>(scale.column_of({time}));
    const std::string label = fmt::format("{:g}", static_cast<double>(time) / static_cast<double>(unit.picoseconds));
    ticks[column] = '+';
    if (column + label.size() <= columns) put(labels, column, label);
  }
  return fmt::format("{:{}}{}\n{:>{}} {}\n", "", margin, ticks, unit.name, margin - 1, labels);
}

std::string plain_name(std::string_view name, std::size_t width) {
  std::string plain(name.substr(0, width));
  for (char& character : plain)
    if (character < ' ' || character > '~') character = '?';
  if (name.size() > width && width > 0) plain.back() = '~';
  return plain;
}

std::string flow(const std::vector<std::string>& items, int width) {
  std::string text, line;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = items[i] + (i + 1 < items.size() ? "," : "");
    const bool fits = line.empty() || line.size() + 1 + item.size() <= static_cast<std::size_t>(width);
    if (!fits) text += std::exchange(line, "") + "\n";
    line += (line.empty() ? "" : " ") + item;
  }
  return text + line + "\n";
}

std::vector<std::size_t> shown_rows(std::size_t count, std::size_t limit) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < count; ++row)
    if (count <= limit || row < (limit + 1) / 2 || row >= count - limit / 2) rows.push_back(row);
  return rows;
}

}  // namespace tandem

#include "plan/schedule_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "plan/grid_fault.hpp"

namespace tandem {
namespace {

constexpr std::string_view kCells = "cells like 2F0, 2B0, 2I0 or 2W0: stage, step, micro-batch";
constexpr std::uint32_t kMostNumber = 1'000'000;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<StepKind> kind_of(char letter) {
  for (const StepKind kind :
       {StepKind::forward, StepKind::backward, StepKind::input_gradient, StepKind::weight_gradient})
    if (name_of(kind) == std::string_view(&letter, 1)) return kind;
  return std::nullopt;
}

/// Takes a number off the front of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > kMostNumber) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<Action> parse_cell(std::string_view text) {
  const auto stage = take_number(text);
  const auto kind = stage && !text.empty() ? kind_of(text.front()) : std::nullopt;
  if (!kind) return std::nullopt;
  text.remove_prefix(1);
  const auto batch = take_number(text);
  if (!batch || !text.empty()) return std::nullopt;
  return Action{*stage, *kind, *batch};
}

/// What the cell is instead.
std::string unknown_cell(std::string_view cell) {
  for (const std::string_view word : {"SEND", "RECV", "UNSHARD", "RESHARD", "REDUCE_GRAD", "OVERLAP"})
    if (cell.find(word) != std::string_view::npos)
      return "a schedule here has no messages or sharding: write the file in PyTorch's format compute_only";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string_view digits = cell;
  while (!digits.empty() && is_digit(digits.front())) digits.remove_prefix(1);
  if (cell.size() - digits.size() > 7) return "a number is too large";
  return "not a step of a schedule";
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view name) : name_(name) {
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    if (trimmed(text).empty())
      throw InputError(TextPosition{name_}, "the schedule is empty", {}, "a row for each rank");
    while (true) {
      const std::size_t end = text.find('\n');
      read_row(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }

  Grid grid() {
    std::uint32_t batches = 0;
    for (const auto& row : grid_)
      for (const Action& action : row) batches = std::max(batches, action.micro_batch + 1);
    auto fault = find_fault(grid_, batches);
    if (!fault) fault = find_dead_lock(grid_);
    if (fault) throw InputError(place(*fault), fault->problem, fault->got, fault->want);
    return std::move(grid_);
  }

 private:
  void read_row(std::string_view row) {
    grid_.emplace_back();
    columns_.emplace_back();
    for (int column = 1;;) {
      const std::size_t comma = row.find(',');
      read_cell(row.substr(0, comma), column);
      if (comma == std::string_view::npos) break;
      row.remove_prefix(comma + 1);
      column += static_cast<int>(comma) + 1;
    }
  }
  void read_cell(std::string_view raw, int column) {
    std::string_view cell = trimmed(raw);
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') cell = trimmed(cell.substr(1, cell.size() - 2));
    if (cell.empty()) return;
    column += static_cast<int>(cell.data() - raw.data());
    const std::optional<Action> action = parse_cell(cell);
    if (!action)
      throw InputError({name_, static_cast<int>(grid_.size()), column}, unknown_cell(cell), cell, kCells);
    grid_.back().push_back(*action);
    columns_.back().push_back(column);
  }
  TextPosition place(const GridFault& fault) const {
    const auto& columns = columns_[fault.rank];
    const int column = columns.empty() ? 1 : columns[std::min(fault.index, columns.size() - 1)];
    return {name_, static_cast<int>(fault.rank) + 1, column};
  }

  std::string name_;
  Grid grid_;
  std::vector<std::vector<int>> columns_;  ///< of the cells
};

void require(bool holds, const std::string& path, std::string_view what, std::uint32_t got, std::uint32_t want) {
  if (holds) return;
  throw InputError(TextPosition{path}, fmt::format("the schedule has another number of {} than the plan", what),
                   fmt::format("{} {}", got, what), fmt::format("{}", want));
}

}  // namespace

Grid read_schedule_csv(std::string_view text, std::string_view name) { return Reader(text, name).grid(); }

std::string write_schedule_csv(const Grid& grid) {
  std::string text;
  for (const auto& row : time_grid(grid)) text += fmt::format("{}\n", fmt::join(row, ","));
  return text;
}

bool is_schedule_file(std::string_view schedule) { return schedule.ends_with(".csv"); }

ScheduleShape shape_of(const Grid& grid) {
  ScheduleShape shape{static_cast<std::uint32_t>(grid.size()), 0};
  std::set<std::uint32_t> stages;
  for (const auto& row : grid)
    for (const Action& action : row) {
      shape.micro_batches = std::max(shape.micro_batches, action.micro_batch + 1);
      if (&row == &grid.front()) stages.insert(action.stage);
    }
  shape.chunks = static_cast<std::uint32_t>(stages.size());
  return shape;
}

Grid load_schedule_csv(const std::string& path) {
  return read_schedule_csv(read_text(path, kScheduleBytesMax), path);
}

Grid grid_of(const std::string& schedule, const ScheduleShape& shape) {
  if (!is_schedule_file(schedule)) return find_schedule(schedule).order(shape);
  Grid grid = load_schedule_csv(schedule);
  const ScheduleShape file = shape_of(grid);
  require(file.ranks == shape.ranks, schedule, "ranks", file.ranks, shape.ranks);
  require(file.micro_batches == shape.micro_batches, schedule, "micro-batches", file.micro_batches,
          shape.micro_batches);
  return grid;
}

}  // namespace tandem

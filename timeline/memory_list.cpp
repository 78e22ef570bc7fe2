#include "timeline/memory_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "timeline/chart_scale.hpp"

namespace tandem {
namespace {

constexpr int kNarrowest = 40;

/// "0-3, 5".
std::string ranges_text(const std::vector<std::uint32_t>& ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] <= ascending[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", ascending[i]);
    if (ascending[last] > ascending[i]) text += fmt::format("-{}", ascending[last]);
    i = last + 1;
  }
  return text;
}

/// The name with '*' for each of its parts that is a number: layers of repeated blocks share it.
std::string pattern_of(const std::string& name) {
  std::string pattern, part;
  const auto finish = [&] {
    const bool number = !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    pattern += number ? "*" : part;
    part.clear();
  };
  for (const char each : name) {
    if (each != '.') {
      part += each;
      continue;
    }
    finish();
    pattern += each;
  }
  finish();
  return pattern;
}

struct Alike {
  std::string name;
  std::int64_t count = 0;
  Bytes bytes;
};

/// Tensors of `copies` buffers, those of repeated blocks together, largest first.
std::vector<Alike> alike(const std::vector<HeldTensor>& tensors, std::int64_t copies) {
  std::map<std::string, Alike> rows;
  for (const HeldTensor& tensor : tensors) {
    Alike& row = rows[pattern_of(tensor.name)];
    row.name = row.count == 0 ? tensor.name : pattern_of(tensor.name);
    ++row.count;
    row.bytes += tensor.bytes * copies;
  }
  std::vector<Alike> sorted;
  for (auto& [pattern, row] : rows) sorted.push_back(std::move(row));
  std::ranges::stable_sort(sorted, std::greater{}, &Alike::bytes);
  return sorted;
}

std::string indented(const std::string& text, int margin) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += fmt::format("{:{}}{}\n", "", margin, line);
  return out;
}

std::string tensors_text(const Program& program, const HeldBuffers& row, const MemoryListOptions& options, int width) {
  const std::vector<Alike> rows = alike(held_tensors(program, program.buffer_specs()[index_of(row.spec)]), row.count);
  std::vector<std::string> items;
  Bytes rest;
  std::int64_t left = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= options.tensors) {
      rest += rows[i].bytes, left += rows[i].count;
      continue;
    }
    const std::string name = plain_name(rows[i].name, static_cast<std::size_t>(width) - 16);
    const std::string times = rows[i].count > 1 ? fmt::format(" x{}", rows[i].count) : "";
    items.push_back(fmt::format("{}{} {}", name, times, to_text(rows[i].bytes)));
  }
  if (left > 0) items.push_back(fmt::format("... and {} more {}", left, to_text(rest)));
  return items.empty() ? "" : flow(items, width);
}

std::string row_text(const Program& program, const HeldBuffers& row) {
  const BufferSpec& spec = program.buffer_specs()[index_of(row.spec)];
  std::string text(meaning_of(spec.content));
  if (row.micro_batches.empty()) return text;
  text += fmt::format(", micro-batch{} {}", row.count > 1 ? "es" : "", ranges_text(row.micro_batches));
  return row.count > 1 ? text + fmt::format(" ({} each)", to_text(spec.bytes)) : text;
}

}  // namespace

std::string when_text(const Program& program, const PeakMoment& peak) {
  if (peak.step == kNone<StepId>) return "before the first step";
  const Step& step = program.step(peak.step);
  const bool of_micro_batch = step.kind == StepKind::forward || step.kind == StepKind::backward ||
                              step.kind == StepKind::input_gradient || step.kind == StepKind::weight_gradient ||
                              step.kind == StepKind::recompute;
  std::string name(name_of(step.kind));
  std::ranges::replace(name, '_', ' ');
  if (of_micro_batch) name += fmt::format(" of micro-batch {}", step.micro_batch);
  return fmt::format("at the {} of step {}", peak.moment == Moment::start ? "start" : "end", name);
}

std::string memory_list(const Program& program, const PeakMoment& peak, const MemoryListOptions& options) {
  constexpr int kIndent = 13;  // "   1.23 MiB  "
  const int width = std::max(options.width, kNarrowest);
  const std::string& worker = program.workers()[index_of(peak.worker)].name;
  const std::string name = plain_name(worker, static_cast<std::size_t>(width) / 2);
  std::string text = flow({fmt::format("{} holds {}", name, to_text(peak.total)), when_text(program, peak)}, width);
  Bytes rest;
  for (std::size_t i = 0; i < peak.held.size(); ++i) {
    const HeldBuffers& row = peak.held[i];
    if (i >= options.rows) {
      rest += row.bytes;
      continue;
    }
    const std::string words = plain_name(row_text(program, row), static_cast<std::size_t>(width - kIndent));
    text += fmt::format("{:>{}}  {}\n", to_text(row.bytes), kIndent - 2, words);
    text += indented(tensors_text(program, row, options, width - kIndent - 2), kIndent + 2);
  }
  if (peak.held.size() <= options.rows) return text;
  return text + fmt::format("{:>{}}  ... and {} more\n", to_text(rest), kIndent - 2, peak.held.size() - options.rows);
}

}  // namespace tandem

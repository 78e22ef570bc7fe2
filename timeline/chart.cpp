#include "timeline/chart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "timeline/chart_row.hpp"

namespace tandem {
namespace {

constexpr int kBubbleWidth = 8;  // "|  27.3%"
constexpr std::string_view kHost = "  host";

Picoseconds longest(std::span<const Ride> rides) {
  Picoseconds total;
  for (const Ride& ride : rides) total = std::max(total, length_of(extent_of(ride.timeline)));
  return total;
}

std::size_t name_width(const Program& program, int width) {
  std::size_t longest_name = 2;  // the axis writes its unit here
  for (const Stream& stream : program.streams())
    if (stream.kind == StreamKind::host) longest_name = kHost.size();
  for (const Worker& worker : program.workers()) longest_name = std::max(longest_name, worker.name.size());
  return std::min(longest_name, static_cast<std::size_t>(width / 4));
}

class Chart {
 public:
  Chart(const Program& program, std::span<const Ride> rides, const ChartOptions& options)
      : program_(program), options_(options), width_(std::max(options.width, kNarrowestChart)),
        names_(name_width(program, width_)),
        scale_(longest(rides), width_ - static_cast<int>(names_) - 2 - kBubbleWidth) {}

  void add(const Ride& ride) {
    const std::vector<Bubbles> bubbles = bubble_fractions(program_, ride.timeline);
    add_title(ride);
    std::size_t next = 0;
    for (const std::size_t worker : shown_rows(bubbles.size(), options_.rows)) {
      if (worker != next) text_ += fmt::format("{} more workers\n", worker - next);
      add_worker(ride, worker, bubbles[worker].whole);
      next = worker + 1;
    }
  }

  std::string finish() {
    text_ += time_axis(scale_, static_cast<int>(names_) + 2);
    return text_ + flow(legend(), width_);
  }

 private:
  void add_title(const Ride& ride) {
    constexpr std::size_t kRoom = 20;  // for ": 12.4 ms" and "bubble"
    const std::string name = plain_name(ride.name, static_cast<std::size_t>(width_) - kRoom);
    const std::string time = to_text(to_seconds(length_of(extent_of(ride.timeline))));
    text_ += fmt::format("{:<{}}bubble\n", fmt::format("{}: {}", name, time), width_ - 6);
  }
  void add_worker(const Ride& ride, std::size_t worker, double bubble) {
    const std::vector<Cell> row = paint_row(program_, ride.timeline, static_cast<WorkerId>(worker), scale_);
    for (const Cell& cell : row) note(cell);
    text_ += fmt::format("{:<{}} |{}| {:5.1f}%\n", plain_name(program_.workers()[worker].name, names_), names_,
                         to_text(row, options_.colour), 100 * bubble);
    const std::vector<Cell> host = paint_host_row(program_, ride.timeline, static_cast<WorkerId>(worker), scale_);
    if (host.empty()) return;
    for (const Cell& cell : host) note(cell);
    text_ += fmt::format("{:<{}} |{}|\n", plain_name(kHost, names_), names_, to_text(host, options_.colour));
  }
  void note(const Cell& cell) {
    seen_[static_cast<std::size_t>(cell.paint)] = true;
    last_micro_batch_ = std::max(last_micro_batch_, cell.micro_batch);
  }
  std::vector<std::string> legend() const {
    const std::uint32_t last = std::min(last_micro_batch_, 9u);
    std::vector<std::string> items;
    for (std::size_t i = 0; i < kPaints; ++i) {
      const Mark& mark = mark_of(static_cast<Paint>(i));
      if (!seen_[i] || mark.meaning.empty()) continue;
      std::string glyphs(1, mark.glyph);
      if (mark.numbered && last > 0) glyphs += fmt::format("-{}", static_cast<char>(mark.glyph + last));
      items.push_back(fmt::format("{} {}", glyphs, mark.meaning));
    }
    if (last_micro_batch_ > 9) items.push_back("micro-batches by their last digit");
    return items;
  }

  const Program& program_;
  const ChartOptions& options_;
  int width_;
  std::size_t names_;
  ColumnScale scale_;
  std::array<bool, kPaints> seen_{};
  std::uint32_t last_micro_batch_ = 0;
  std::string text_;
};

}  // namespace

std::string chart(const Program& program, std::span<const Ride> rides, const ChartOptions& options) {
  Chart picture(program, rides, options);
  for (const Ride& ride : rides) picture.add(ride);
  return picture.finish();
}

}  // namespace tandem

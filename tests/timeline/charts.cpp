#include "timeline/chart.hpp"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/golden.hpp"
#include "tests/timeline/random_ride.hpp"
#include "timeline/chart_row.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

std::string without_colour(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b') plain += text[i];
    else i = text.find('m', i);
  }
  return plain;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& line : lines_of(without_colour(text))) longest = std::max(longest, line.size());
  return longest;
}

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char each) { return each == '\n' || (each >= ' ' && each <= '~'); });
}

/// One column for each of the given times.
std::string row_of(const Program& program, const Timeline& timeline, std::uint32_t worker, Picoseconds total,
                   int columns) {
  return to_text(paint_row(program, timeline, WorkerId{worker}, ColumnScale(total, columns)), false);
}

}  // namespace

TEST_CASE("the worked pipeline's rows show each microsecond as what it was") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  CHECK(row_of(program, timeline, 0, microseconds(21), 21) == "0011........aaaabbbb=");
  CHECK(row_of(program, timeline, 1, microseconds(21), 21) == "---0011aaaabbbb=-----");
}

TEST_CASE("every kind of compute step has a paint of its own kind") {
  CHECK(mark_of(paint_of(StepKind::forward)).meaning == "forward");
  CHECK(mark_of(paint_of(StepKind::backward)).meaning == "backward");
  CHECK(mark_of(paint_of(StepKind::input_gradient)).meaning == "backward");
  CHECK(mark_of(paint_of(StepKind::weight_gradient)).meaning == "weight gradient");
  CHECK(mark_of(paint_of(StepKind::recompute)).meaning == "recompute");
  CHECK(mark_of(paint_of(StepKind::update)).meaning == "update");
  CHECK(mark_of(paint_of(StepKind::add_gradient)).meaning == "gradient sums");
  CHECK(mark_of(paint_of(StepKind::zero_gradients)).meaning == "gradient sums");
  CHECK(mark_of(paint_of(StepKind::collective)).meaning.empty());
}

TEST_CASE("a column shows what covers most of it") {
  const Program program = gpipe_program(2, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  // stage 0 in columns of 7 us: F 0-4, B 12-20: 4 of forward; 5 of waiting; 6 of backward
  CHECK(row_of(program, timeline, 0, microseconds(21), 3) == "0.b");
}

TEST_CASE("beyond a ride's own end its row is blank") {
  const Program program = gpipe_program(1, 1);
  const Timeline timeline = ride(program, kWorkedTimes);  // F 2, B 4, update 1 us

  CHECK(row_of(program, timeline, 0, microseconds(10), 10) == "00aaaa=   ");
}

TEST_CASE("the two rides stand one above the other on one scale") {
  const Program program = gpipe_program(4, 4);
  const Times expected{microseconds(2000), microseconds(4000), microseconds(100), microseconds(900)};
  const Times actual{microseconds(2200), microseconds(4500), microseconds(300), microseconds(800)};
  const Timeline predicted = ride(program, expected), measured = ride(program, actual);
  const std::vector<Ride> rides{{"predicted", predicted}, {"measured", measured}};

  const std::string picture = chart(program, rides);

  CHECK(picture == golden("chart_two_rides.txt"));
}

TEST_CASE("a narrow chart keeps its width with many micro-batches and the legend breaks between items") {
  const Program program = gpipe_program(3, 24);
  const Timeline timeline = ride(program, kWorkedTimes);
  const std::vector<Ride> rides{{"predicted", timeline}};

  CHECK(chart(program, rides, {48, false, 32}) == golden("chart_narrow.txt"));
}

TEST_CASE("memory is drawn as stacked classes with its peaks in figures") {
  const Program program = gpipe_program(2, 8);
  const Timeline timeline = ride(program, kWorkedTimes);

  CHECK(memory_chart(program, {"predicted", timeline}, {60, false, 32}) == golden("memory_chart.txt"));
}

TEST_CASE("no line of any chart is longer than the width, and nothing but printable characters is in it") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();
    const int width = *rc::gen::inRange(-5, 200);
    const std::vector<Ride> rides{{"predicted", ride.timeline}, {"measured", ride.timeline}};
    const auto limit = static_cast<std::size_t>(std::max(width, kNarrowestChart));
    const std::string picture = chart(ride.program, rides, {width, false, 32});
    const std::string memory = memory_chart(ride.program, rides[0], {width, false, 32});

    RC_ASSERT(longest_line(picture) <= limit);
    RC_ASSERT(longest_line(memory) <= limit);
    RC_ASSERT(is_printable(picture));
    RC_ASSERT(is_printable(memory));
  });

  CHECK(holds);
}

TEST_CASE("colour adds escape sequences and nothing else") {
  const Program program = gpipe_program(2, 3);
  const Timeline timeline = ride(program, kWorkedTimes);
  const std::vector<Ride> rides{{"predicted", timeline}};

  const std::string plain = chart(program, rides, {80, false, 32}), coloured = chart(program, rides, {80, true, 32});

  CHECK(without_colour(coloured) == plain);
  CHECK_THAT(coloured, Contains("\x1b[34m0") && Contains("\x1b[32ma") && Contains("\x1b[0m"));  // blue, green, back
}

TEST_CASE("of many workers the first and the last are shown") {
  const Program program = gpipe_program(9, 2);
  const Timeline timeline = ride(program, kWorkedTimes);
  const std::vector<Ride> rides{{"predicted", timeline}};

  const std::string picture = chart(program, rides, {80, false, 4});

  CHECK_THAT(picture, Contains("stage 0") && Contains("stage 1") && Contains("stage 7") && Contains("stage 8"));
  CHECK_THAT(picture, Contains("5 more workers\n") && !Contains("stage 2") && !Contains("stage 6"));
}

TEST_CASE("a name that would break the terminal or the frame is made harmless") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("\x1b[2J\r\n" + std::string(200, 'x') + "\xff", 0, DeviceId{0});
  builder.add_compute(builder.add_work({StepKind::forward, worker, builder.add_segment({})}), 0);
  const Program program = std::move(builder).finish(1);
  Timeline timeline;
  timeline.spans = {{microseconds(0), microseconds(1)}};
  timeline.peaks.resize(1);
  const std::vector<Ride> rides{{"pre\ndicted", timeline}};

  const std::string picture = chart(program, rides) + memory_chart(program, rides[0]);

  CHECK(is_printable(picture));
  CHECK(longest_line(picture) <= 80);
  CHECK_THAT(picture, Contains("?[2J??xxx") && Contains("pre?dicted"));
}

TEST_CASE("columns divide the time exactly, even a time near the clock's end") {
  const std::int64_t total = std::numeric_limits<std::int64_t>::max() / 2;
  const ColumnScale scale({total}, 67);

  CHECK(scale.start_of(0) == 0);
  CHECK(scale.start_of(67) == total);
  for (int column = 0; column < 67; ++column) {
    CHECK(scale.column_of({scale.start_of(column)}) == column);
    CHECK(scale.column_of({scale.start_of(column + 1) - 1}) == column);
  }
}

TEST_CASE("ticks are 1, 2 or 5 times a power of ten, ten columns apart or more, in the unit that suits") {
  CHECK_THAT(time_axis(ColumnScale(microseconds(30), 60), 4), Contains("us 0         5"));  // 2 us would be 4 columns
  CHECK_THAT(time_axis(ColumnScale({3'000'000'000'000}, 60), 4), Contains(" s 0         0.5"));
}

TEST_CASE("what the host computes for a worker stands beneath its row") {
  ProgramBuilder builder;
  const WorkerId worker = builder.add_worker("stage 0", 0, DeviceId{0});
  const SegmentId segment = builder.add_segment({});
  builder.add_compute(builder.add_work({StepKind::forward, worker, segment}), 0);
  StepWork update{StepKind::update, worker, segment};
  update.stream = StreamKind::host;
  builder.add_compute(builder.add_work(update), 0);
  const Program program = std::move(builder).finish(1);
  Timeline timeline;
  timeline.spans = {{Picoseconds{0}, microseconds(10)}, {microseconds(6), microseconds(23)}};
  const Ride rides[] = {{"predicted", timeline}};

  const std::vector<std::string> lines = lines_of(chart(program, rides, {.width = 40}));

  // 40 less a name of 7, borders and bubbles are 23 columns, of a microsecond each; 1 - 10 / 23 is the bubble
  REQUIRE(lines.size() > 2);
  CHECK(lines[1] == "stage 0 |0000000000-------------|  56.5%");
  CHECK(lines[2] == "  host  |      =================|");
}

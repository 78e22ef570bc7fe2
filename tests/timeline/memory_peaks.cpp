#include "timeline/memory_peak.hpp"

#include <algorithm>
#include <sstream>

#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/timeline/random_ride.hpp"
#include "timeline/chart.hpp"
#include "timeline/memory_list.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

std::size_t lines_in(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

Timeline with_peaks(const std::vector<std::int64_t>& totals) {
  Timeline timeline;
  for (const std::int64_t total : totals) timeline.peaks.push_back({{}, {total}});
  return timeline;
}

std::vector<std::uint32_t> indices(const std::vector<WorkerId>& workers) {
  std::vector<std::uint32_t> all;
  for (const WorkerId worker : workers) all.push_back(index_of(worker));
  return all;
}

}  // namespace

TEST_CASE("a pipeline's peak is where the last stash is made, with all stashes and the weights alive") {
  const Program program = gpipe_program(2, 8);

  const PeakMoment peak = peak_moments(program).front();

  CHECK(peak.total == Bytes{180});  // weights 100, 8 stashes of 10
  CHECK(program.step(peak.step).kind == StepKind::forward);
  CHECK(program.step(peak.step).micro_batch == 7);
  CHECK(peak.moment == Moment::start);
  REQUIRE(peak.held.size() == 2);
  CHECK(peak.held[0].bytes == Bytes{100});
  CHECK(peak.held[0].micro_batches.empty());
  CHECK(peak.held[1].bytes == Bytes{80});
  CHECK(peak.held[1].micro_batches == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("what is alive at a peak adds up to the script's peak, largest first, whatever the program") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();
    const std::vector<MemoryPeak> expected = script_peaks(ride.program);
    const std::vector<PeakMoment> peaks = peak_moments(ride.program);

    RC_ASSERT(peaks.size() == expected.size());
    for (std::size_t w = 0; w < peaks.size(); ++w) {
      Bytes sum;
      for (const HeldBuffers& row : peaks[w].held) sum += row.bytes;
      RC_ASSERT(sum == expected[w].total);
      RC_ASSERT(peaks[w].total == expected[w].total);
      RC_ASSERT(std::ranges::is_sorted(peaks[w].held, std::greater{}, &HeldBuffers::bytes));
    }
  });

  CHECK(holds);
}

TEST_CASE("the list names the instant, the buffers and their micro-batches, and sums what it leaves out") {
  const Program program = gpipe_program(2, 8);
  const PeakMoment peak = peak_moments(program).front();

  CHECK(memory_list(program, peak) ==
        "stage 0 holds 180 B, at the start of step F of micro-batch 7\n"
        "      100 B  weights\n"
        "       80 B  kept for backward, micro-batches 0-7 (10 B each)\n");
  CHECK(memory_list(program, peak, {80, 1, 4}) ==
        "stage 0 holds 180 B, at the start of step F of micro-batch 7\n"
        "      100 B  weights\n"
        "       80 B  ... and 1 more\n");
}

TEST_CASE("few workers are all drawn, of many the highest, the lowest, the first and the last") {
  CHECK(indices(telling_workers(with_peaks({5, 7, 6}), 4)) == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(indices(telling_workers(with_peaks({5, 7, 9, 3, 6, 6}), 4)) == std::vector<std::uint32_t>{0, 2, 3, 5});
  CHECK(indices(telling_workers(with_peaks({5, 7, 9, 3, 6, 6}), 1)) == std::vector<std::uint32_t>{2});
  CHECK(indices(telling_workers(with_peaks({9, 7, 7, 7, 7, 3}), 4)) == std::vector<std::uint32_t>{0, 1, 2, 5});
  CHECK(telling_workers(with_peaks({}), 4).empty());
}

TEST_CASE("the memory of 64 workers is a picture of four, and says how many it leaves out") {
  const Program program = gpipe_program(64, 2);
  const Timeline timeline = ride(program, kWorkedTimes);

  const std::string picture = memory_chart(program, {"predicted", timeline});

  CHECK_THAT(picture, Contains("60 of 64 workers are not drawn\n"));
  CHECK(lines_in(picture) == 4 * 8 + 2 + 1);  // a title, six rows, figures; the axis; the note
}

TEST_CASE("colour in the memory chart takes no column and adds nothing else") {
  const Program program = gpipe_program(2, 3);
  const Timeline timeline = ride(program, kWorkedTimes);

  const std::string plain = memory_chart(program, {"predicted", timeline}, {80, false});
  std::string coloured = memory_chart(program, {"predicted", timeline}, {80, true});

  CHECK_THAT(coloured, Contains("\x1b[34mw") && Contains("\x1b[33ms"));  // weights blue, stashes yellow
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  CHECK(coloured == plain);
}

TEST_CASE("no line of the list is longer than the terminal") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();
    const int width = *rc::gen::inRange(-5, 200);
    for (const PeakMoment& peak : peak_moments(ride.program)) {
      std::istringstream lines(memory_list(ride.program, peak, {width}));
      for (std::string line; std::getline(lines, line);)
        RC_ASSERT(line.size() <= static_cast<std::size_t>(std::max(width, 40)));
    }
  });

  CHECK(holds);
}

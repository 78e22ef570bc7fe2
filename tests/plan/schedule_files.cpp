// Schedules as PyTorch's CSV: what is read is what was written, and what is wrong is named with line, column and cell.

#include <rapidcheck.h>

#include "plan/schedule_csv.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

constexpr auto F = StepKind::forward, B = StepKind::backward;

std::string complaint_about(const std::string& text) {
  return complaint([&] { read_schedule_csv(text, "mine.csv"); });
}

}  // namespace

TEST_CASE("a grid is written with a row for each rank and empty cells where it waits") {
  CHECK(write_schedule_csv(grid_named("1f1b", {2, 2})) ==
        "0F0,0F1,,0B0,,0B1\n"
        ",1F0,1B0,1F1,1B1\n");
  CHECK(write_schedule_csv(grid_named("zb-h1", {2, 2})) ==
        "0F0,0F1,,0I0,0W0,0I1,0W1\n"
        ",1F0,1I0,1F1,1I1,1W0,1W1\n");
}

TEST_CASE("a file may have spaces, quotes, empty cells anywhere, a byte order mark and Windows line ends") {
  const Grid want{{{0, F, 0}, {0, B, 0}}, {{1, F, 0}, {1, B, 0}}};

  CHECK(read_schedule_csv("0F0,0B0\n1F0,1B0", "x") == want);
  CHECK(read_schedule_csv("\xEF\xBB\xBF 0F0 ,,\"0B0\",,\r\n,\t1F0,1B0\r\n\r\n", "x") == want);
}

TEST_CASE("every schedule of the table that is written and read is the same") {
  const bool holds = rc::check([] {
    const auto rows = schedules();
    const Schedule& schedule = rows[*rc::gen::inRange<std::size_t>(0, rows.size())];
    const ScheduleShape shape{*rc::gen::inRange(1U, 9U), *rc::gen::inRange(1U, 25U), *rc::gen::inRange(1U, 4U)};
    const std::optional<Grid> grid = grid_if_any(schedule, shape);
    RC_PRE(grid.has_value());

    const Grid again = read_schedule_csv(write_schedule_csv(*grid), "x");

    RC_ASSERT(again == *grid);
    RC_ASSERT(shape_of(again).ranks == shape.ranks);
    RC_ASSERT(shape_of(again).micro_batches == shape.micro_batches);
  });
  CHECK(holds);
}

TEST_CASE("a cell that is no step is named with its place and what cells look like") {
  CHECK(complaint_about("0F0,0B0\n1F0,x7\n") ==
        "mine.csv:2:5: error: not a step of a schedule; "
        R"(got "x7", want cells like 2F0, 2B0, 2I0 or 2W0: stage, step, micro-batch)");
  for (const std::string cell : {"0F", "F0", "0F0x", "-1F0", "0f0", "0X0", "0 F0", "0F0;0B0", "=cmd|' /C calc'!A0"})
    CHECK(complaint_about("0F0," + cell).find("mine.csv:1:5: error: not a step of a schedule; got \"") == 0);
  CHECK(complaint_about("0F99999999999").find("mine.csv:1:1: error: not a step of a schedule") == 0);
}

TEST_CASE("a number that no schedule has is refused before anything of its size is made") {
  CHECK(complaint_about("99999999999F0").find("mine.csv:1:1: error: a number is too large; ") == 0);
  CHECK(complaint_about("0F1000000,0B1000000") == "mine.csv:1:11: error: rank 0 misses step 0F0");
}

TEST_CASE("a file with messages in it is told which format to write") {
  for (const std::string cell : {"0SEND_F0", "1RECV_B2", "3UNSHARD", "(0F1;1B0)OVERLAP_F_B"})
    CHECK(complaint_about("0F0," + cell).find("mine.csv:1:5: error: a schedule here has no messages or sharding: "
                                              "write the file in PyTorch's format compute_only") == 0);
}

TEST_CASE("an empty file is refused") {
  for (const std::string text : {"", "\n\n", "  \r\n"})
    CHECK(complaint_about(text) == "mine.csv: error: the schedule is empty; want a row for each rank");
}

TEST_CASE("a file that misses or repeats a step names it with its place") {
  CHECK(complaint_about("0F0,0B0\n1F0,\n") == "mine.csv:2:1: error: rank 1 misses step 1B0");
  CHECK(complaint_about("0F0,0F1,0B1,,\n") == "mine.csv:1:9: error: rank 0 misses step 0B0");
  CHECK(complaint_about("0F0,0B0,0B0\n") == R"(mine.csv:1:9: error: rank 0 runs a step twice; got "0B0")");
  CHECK(complaint_about("0F0,0I0\n") == "mine.csv:1:5: error: rank 0 misses step 0W0");
}

TEST_CASE("a file that runs B before F, or W before I, names the cell") {
  CHECK(complaint_about("0F0,0B0\n,1B0,1F0\n") == R"(mine.csv:2:2: error: rank 1 runs B before F; got "1B0")");
  CHECK(complaint_about("0F0,0W0,0I0\n") == R"(mine.csv:1:5: error: rank 0 runs W before I; got "0W0")");
}

TEST_CASE("a file with a rank or a stage that runs nothing names it") {
  CHECK(complaint_about("0F0,0B0\n\n1F0,1B0\n") ==
        "mine.csv:2:1: error: rank 1 runs nothing; want at least one stage on each rank");
  CHECK(complaint_about("0F0,0B0\n2F0,2B0\n") ==
        R"(mine.csv:1:1: error: no rank runs stage 1; got "3 stages", want steps of all stages from 0 to 2)");
}

TEST_CASE("a file in which ranks wait for each other names the steps at which they wait") {
  CHECK(complaint_about("0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n") ==
        "mine.csv:1:5: error: the schedule dead-locks: rank 0 waits to run 0B0, rank 1 waits to run 1F1");
}

TEST_CASE("a file in which neighbours pass micro-batches in different orders names the first that differs") {
  CHECK(complaint_about("0F0,0F1,0B0,0B1\n1F1,1F0,1B0,1B1\n") ==
        "mine.csv:2:1: error: neighbouring ranks run micro-batches in different orders; "
        R"(got "1F1", want 1F0)");
}

TEST_CASE("a file cut short anywhere is read or refused, never worse") {
  const std::string whole = write_schedule_csv(grid_named("zb-v", {3, 4}));

  for (std::size_t size = 0; size < whole.size() - 1; ++size)
    CHECK(complaint_about(whole.substr(0, size)).find("mine.csv") == 0);
  CHECK(complaint_about(whole) == "");
}

TEST_CASE("a plan's schedule is a row of the table, or a file by its ending") {
  CHECK(grid_of("zb-h1", {4, 8}) == grid_named("zb-h1", {4, 8}));
  CHECK(is_schedule_file("a/b.csv"));
  CHECK_FALSE(is_schedule_file("1f1b"));
  CHECK(complaint([] { grid_of("no/such.csv", {4, 8}); }).find("no/such.csv") == 0);
}

#include "tools/loss_curves.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("two losses stand side by side, iteration by iteration") {
  const LossCurve curves[] = {{"gpipe", {2, 1}}, {"pipedream", {1.5, 1}}};

  CHECK(loss_table(curves) ==
        "iteration       gpipe   pipedream\n"
        "        1      2.0000      1.5000\n"
        "        2      1.0000      1.0000\n");
}

TEST_CASE("a long training's table has about twenty rows and ends with the last iteration") {
  std::vector<double> falling;
  for (int i = 0; i < 205; ++i) falling.push_back(300.0 - i);
  const LossCurve curve{"1f1b", falling};

  std::istringstream lines(loss_table({&curve, 1}));
  std::string line, last;
  int count = 0;
  while (std::getline(lines, line)) last = line, ++count;

  CHECK(count == 1 + 21 + 1);  // the head; 1, 11, ... 201; 205
  CHECK_THAT(last, StartsWith("      205"));
}

TEST_CASE("the chart draws each curve with its letter and a star where they meet, within its width") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const LossCurve curves[] = {{"gpipe", {3, 2, 1}}, {"pipedream", {2, none, 1}}};

  const std::string chart = loss_chart(curves, 60);

  CHECK_THAT(chart, StartsWith("        3 |a\n"));
  CHECK_THAT(chart, Contains("        1 |                                               *\n"));  // column 60 - 12
  CHECK_THAT(chart, Contains("a gpipe, b pipedream, * several\n"));
  std::istringstream lines(chart);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 60);
}

TEST_CASE("a run against another schedule trains on the same samples, and shows both losses") {
  const MeasuredMachine here;
  const std::string line = "run --model mlp --pp 2 --micro-batches 4 --micro-batch-size 2 --iterations 3 --schedule gpipe";

  const json alone = json::parse(typed(line + " --json").out);
  const json both = json::parse(typed(line + " --against 1f1b --json").out);
  const json stale = json::parse(typed(line + " --against pipedream --json").out);
  const Outcome text = typed(line + " --against pipedream");

  CHECK(both["losses"] == alone["losses"]);
  CHECK(both["against"]["losses"] == alone["losses"]);  // both are synchronous
  CHECK(stale["against"]["losses"].size() == 3);
  CHECK(stale["against"]["losses"] != alone["losses"]);
  CHECK(stale["against"]["plan"]["schedule"] == "pipedream");
  CHECK_THAT(text.out, Contains("iteration       gpipe   pipedream\n") && Contains("a gpipe, b pipedream"));
}

TEST_CASE("a schedule to compare with that there is not, or files of two runs, are refused before anything is run") {
  const MeasuredMachine here;

  const Outcome unknown = typed("run --model mlp --pp 2 --against gpip");
  const Outcome files = typed("run --model mlp --pp 2 --against gpipe --trace t.json");

  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("did you mean") && Contains("gpipe"));
  CHECK(files.code == 2);
  CHECK_THAT(files.err, Contains("--trace: of which of the two runs?"));
}

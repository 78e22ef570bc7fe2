#include "tests/catch.hpp"
#include "tests/timeline/golden.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using Catch::Matchers::Contains;

TEST_CASE("a program is shown stream by stream, with what each step waits for") {
  CHECK(typed("show program --model mlp --on k80-x4 --pp 2 --micro-batches 2").out == golden("show_program.txt"));
}

TEST_CASE("a plan is shown with its partition, as a plan file") {
  CHECK(typed("show plan --model mlp --on k80-x4 --pp 2").out == golden("show_plan.txt"));
}

TEST_CASE("a schedule is shown as a grid of ranks and steps") {
  const Outcome shown = typed("show schedule --schedule 1f1b --pp 2 --micro-batches 3");

  CHECK(shown.out ==
        "rank   0 | 0F0 0F1     0B0 0F2 0B1     0B2\n"
        "rank   1 |     1F0 1B0 1F1 1B1 1F2 1B2\n"
        "bubble 25.0 %, own 12.5 %, where F, I and W take equally long, and B twice as long\n"  // (p - 1) / (m + p - 1)
        "stages and micro-batches held at once, by rank: 2 1\n");
}

TEST_CASE("a schedule is printed as the file that it may be read from") {
  const std::string csv = typed("show schedule --schedule zb-h1 --pp 2 --micro-batches 2 --csv").out;

  CHECK(csv == "0F0,0F1,,0I0,0W0,0I1,0W1\n,1F0,1I0,1F1,1I1,1W0,1W1\n");

  const TemporaryFolder folder;
  const std::string file = folder.write("mine.csv", csv);
  CHECK(typed("show schedule --csv --schedule " + file).out == csv);  // ranks and micro-batches are the file's
}

TEST_CASE("models are shown with their published numbers of parameters") {
  const std::string models = typed("show models").out;

  CHECK_THAT(models, Contains("124439808 parameters"));   // gpt2
  CHECK_THAT(models, Contains("1557611200 parameters"));  // gpt2-xl
}

TEST_CASE("devices and clusters are shown with their sources") {
  const std::string devices = typed("show devices").out;
  for (const char* name : {"xeon-platinum-8180", "tesla-k80", "graphcore-ipu-mk1"}) CHECK_THAT(devices, Contains(name));
  CHECK_THAT(devices, Contains("\n    compute: ") && Contains("\n    memory: "));

  const std::string clusters = typed("show clusters").out;
  CHECK_THAT(clusters, Contains("k80-x4") && Contains("host ") && Contains("latency"));
}

TEST_CASE("a model is shown layer by layer") {
  const std::string model = typed("show model --model linear-regression --micro-batch-size 1").out;

  CHECK_THAT(model, Contains("linear-regression: 33 parameters, 4 layers"));
  CHECK_THAT(model, Contains("mean_absolute_error"));
}

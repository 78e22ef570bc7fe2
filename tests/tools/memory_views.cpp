#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

Outcome of_worker(const std::string& name) {
  return run_words({"simulate", "--model", "mlp", "--on", "tesla-k80:8", "--pp", "8", "--memory-of", name});
}

}  // namespace

TEST_CASE("what is alive at each worker's peak adds up, to the tensors inside a buffer") {
  for (const char* line : {"--model gpt-nano --pp 2", "--model resnet-nano --pp 4", "--model vgg-nano --spatial 2x2",
                           "--model llama-nano --pp 2 --tp 2 --schedule gpipe"}) {
    CAPTURE(line);
    const json result = json::parse(typed(fmt::format("simulate --memory --json --on k80-x4 {}", line)).out);

    for (std::size_t w = 0; w < result["workers"].size(); ++w) {
      const json& peak = result["memory"]["peaks"][w];
      CHECK(peak["total_bytes"] == result["workers"][w]["peak_bytes"]["total"]);
      std::int64_t sum = 0;
      for (const json& row : peak["held"]) {
        sum += row["bytes"].get<std::int64_t>();
        std::int64_t inside = 0;
        for (const json& tensor : row["tensors"]) inside += tensor["bytes"].get<std::int64_t>();
        const std::set<std::string> whole{"weights", "gradients of weights", "optimizer state", "kept for backward"};
        if (whole.contains(row["what"])) CHECK(inside == row["buffer_bytes"]);
      }
      CHECK(sum == peak["total_bytes"]);
    }
  }
}

TEST_CASE("the memory view (--memory) lists what is alive at the peak, with layers by name, within 80 columns") {
  const Outcome outcome = typed("simulate --model gpt-nano --on k80-x4 --pp 2 --memory --no-chart");
  const std::string view = outcome.out.substr(outcome.out.find("stage 0: peak"));

  CHECK_THAT(view, Contains("stage 0 holds ") && Contains(", at the start of step B of micro-batch 0\n"));
  CHECK_THAT(view, Contains("kept for backward, micro-batches 0-1 (") && Contains("h.*.mlp.fc x"));
  CHECK_THAT(view, Contains("nothing is reserved for"));
  CHECK(longest_line(view) <= 80);
}

TEST_CASE("one worker or all can be drawn, by name or rank") {
  const std::string line = "simulate --model mlp --on tesla-k80:8 --pp 8 --no-chart ";

  CHECK_THAT(typed(line + "--memory").out,
             Contains("4 of 8 workers are not drawn") && Contains("--memory-of NAME or all"));
  CHECK_THAT(typed(line + "--memory-of 3").out, Contains("stage 3: peak") && !Contains("stage 2: peak"));
  CHECK_THAT(typed(line + "--memory-of all").out, Contains("stage 7: peak") && !Contains("not drawn"));
  CHECK_THAT(of_worker("stage 6").out, Contains("stage 6 holds "));

  for (const char* wrong : {"8", "-1", "stage", "99999999999", ""}) {
    CAPTURE(wrong);
    const Outcome refused = of_worker(wrong);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Contains("--memory-of"));
  }
}

TEST_CASE("a reserve takes its share of a device, rounded up to bytes, and is stated") {
  const TemporaryFolder folder;
  const auto within = [&](std::int64_t bytes, const std::string& reserve) {
    const std::string file = folder.write("tight.yaml", fmt::format(
        "device: tight\nkind: gpu\ncompute: {{cores: 1, peak_fp32: 1 GFLOP/s, source: made up}}\n"
        "memory: {{capacity: {} B, bandwidth: 1 GB/s, source: made up}}\n", bytes));
    return typed("simulate --json --memory --model linear-regression --on " + file + " --memory-reserve " + reserve);
  };
  const json ample = json::parse(within(1'000'000, "0").out);
  const auto needed = ample["workers"][0]["peak_bytes"]["total"].get<std::int64_t>();

  const Outcome enough = within(2 * needed, "50%");
  const Outcome short_of = within(2 * needed, "50.001%");
  const Outcome odd = within(2 * needed - 1, "0.5");  // half of it is rounded up: needed bytes reserved, one fewer left

  CHECK(enough.code == 0);
  CHECK(json::parse(enough.out)["memory"]["devices"][0]["reserved_bytes"] == needed);
  CHECK(json::parse(enough.out)["plan"]["memory_reserve"] == 0.5);
  CHECK(short_of.code == 1);
  CHECK_THAT(short_of.err, Contains("less 50.001 % for fragmentation"));
  CHECK(odd.code == 1);
  CHECK_THAT(odd.err, Contains("1 bytes more than its"));
}

TEST_CASE("a reserve that is no share is refused with what it could be") {
  for (const char* wrong : {"100%", "1", "-5%", "5 %%", "nan", "inf", "%", "5GB", "1e400"}) {
    CAPTURE(wrong);
    const Outcome refused = run_words({"simulate", "--model", "mlp", "--on", "k80-x4", "--memory-reserve", wrong});
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Contains("--memory-reserve") && Contains("a share such as 5% or 0.05"));
  }
}

TEST_CASE("a plan file keeps its reserve, and says where it is wrong") {
  const TemporaryFolder folder;
  const std::string text = "model: mlp\ncluster: k80-x4\nmemory_reserve: ";

  CHECK_THAT(typed("plan " + folder.write("plan.yaml", text + "5%\n")).out, Contains("memory_reserve: 0.05\n"));
  CHECK_THAT(typed("plan " + folder.write("wrong.yaml", text + "2\n")).err, Contains("wrong.yaml:3:17"));
}

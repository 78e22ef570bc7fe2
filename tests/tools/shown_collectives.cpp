#include <nlohmann/json.hpp>
#include <sstream>

#include "plan/collective.hpp"
#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

/// The row of one kind and algorithm.
json cost_of(const json& shown, const std::string& kind, const std::string& algorithm) {
  for (const json& row : shown["costs"])
    if (row["kind"] == kind && row["algorithm"] == algorithm) return row;
  return {};
}

}  // namespace

TEST_CASE("every algorithm is shown with what it does and where it is from") {
  const Outcome shown = typed("show collectives");

  CHECK(shown.code == 0);
  for (const CollectiveAlgorithm& row : collective_algorithms()) {
    const std::string name(row.name), first_word(row.source.substr(0, row.source.find(' ')));
    CHECK_THAT(shown.out, Contains(name) && Contains(first_word));
  }
  CHECK_THAT(shown.out, !Contains("rounds  "));  // costs are of a size
}

TEST_CASE("the costs of collectives are their closed forms") {
  const json shown = json::parse(typed("show collectives --ranks 8 --bytes 8MB --json").out);

  const json ring = cost_of(shown, "all_reduce", "ring");
  CHECK(ring["rounds"] == 14);                  // 2 (8 - 1)
  CHECK(ring["most_sent_bytes"] == 14'000'000);  // 14 blocks of 8 MB / 8
  CHECK_FALSE(ring.contains("time_s"));
  CHECK(cost_of(shown, "all_gather", "ring")["most_sent_bytes"] == 7'000'000);       // 7 blocks
  CHECK(cost_of(shown, "all_reduce", "halving_doubling")["rounds"] == 6);            // 2 log2(8)
  CHECK(cost_of(shown, "broadcast", "tree")["most_sent_bytes"] == 24'000'000);       // the root: log2(8) whole vectors
}

TEST_CASE("on a cluster the costs of collectives have a time") {
  const TemporaryFolder folder;
  const std::string cluster = folder.write("four.yaml",
                                           "cluster: four\n"
                                           "devices: [{profile: tesla-k80, count: 4}]\n"
                                           "links: {wire: {bandwidth: 1 GB/s, latency: 1 ms, source: round}}\n"
                                           "default_link: wire\n");

  const Outcome outcome = typed("show collectives --ranks 4 --bytes 4MB --json --on " + cluster);

  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const json ring = cost_of(json::parse(outcome.out), "all_reduce", "ring");
  CHECK(ring["time_s"].get<double>() == Approx(0.012));  // 6 rounds of 1 ms + 1 MB / (1 GB/s)
}

TEST_CASE("what is shown of collectives fits 80 columns") {
  std::istringstream lines(typed("show collectives --ranks 6 --bytes 25MB --on dgx-a100").out);

  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(line.size() <= 80);
  CHECK(count > 20);
}

TEST_CASE("a cost of collectives wants ranks and a size that can be") {
  struct Row {
    std::string flags, problem;
  };
  const Row row = GENERATE(values<Row>({{"--ranks 4", "want --ranks N --bytes S"},
                                        {"--bytes 4MB", "want --ranks N --bytes S"},
                                        {"--on dgx-a100", "want --ranks N --bytes S"},
                                        {"--ranks 1 --bytes 4MB", "--ranks: "},
                                        {"--ranks 4 --bytes 6B", "multiple of 4 B"},
                                        {"--ranks 4 --bytes 4XB", "--bytes: "},
                                        {"--ranks 9 --bytes 4MB --on k80-x4", "want at most 4"},
                                        {"--ranks 2 --bytes 4MB --on dgx-a10", "did you mean \"dgx-a100\"?"}}));

  const Outcome outcome = typed("show collectives " + row.flags);

  INFO(row.flags << "\n" << outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Contains(row.problem));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

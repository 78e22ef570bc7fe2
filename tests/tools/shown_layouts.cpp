#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/source_dir.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

json layouts_of(const std::string& flags) {
  const Outcome outcome = typed("show layouts --json " + flags);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return json::parse(outcome.out);
}

json rule_of(const json& shown, const std::string& layer, const std::string& axis) {
  for (const json& row : shown["layers"])
    if (row["layer"] == layer) return row["axes"][axis];
  return {};
}

/// What is converted for this reader; null where nothing is.
json conversion_for(const json& shown, const std::string& reader) {
  for (const json& row : shown["conversions"])
    if (row["reader"] == reader) return row;
  return {};
}

}  // namespace

TEST_CASE("columns, then rows: one all-reduce a pair of layers, and its mirror in backward") {
  const json shown = layouts_of("--model mlp --tp 2");

  CHECK(rule_of(shown, "first.linear", "tensor")["rule"] == "columns");
  CHECK(rule_of(shown, "first.linear", "tensor")["output"] == "split(0)");
  CHECK(rule_of(shown, "hidden.0.linear", "tensor")["output"] == "partial");
  CHECK(rule_of(shown, "hidden.0.relu", "tensor")["repeated"] == true);
  CHECK(rule_of(shown, "first.relu", "tensor")["repeated"] == false);
  const json forward = conversion_for(shown, "hidden.0.relu"), backward = conversion_for(shown, "hidden.1.linear");
  CHECK(forward["collectives"] == "all_reduce");
  CHECK(forward["bytes"] == 8192);  // 4 samples x 512 features x 4 bytes
  CHECK(backward["collectives"] == "backward all_reduce");
  CHECK(backward["bytes"] == 8192);
}

TEST_CASE("the naive split owes a sum after each linear layer") {
  const json shown = layouts_of("--model mlp --tp 2 --tensor naive");

  for (const char* layer : {"first.linear", "hidden.0.linear", "hidden.6.linear"}) {
    INFO(layer);
    CHECK(rule_of(shown, layer, "tensor")["rule"] == "rows");
  }
  CHECK(conversion_for(shown, "first.relu")["collectives"] == "all_reduce");
}

TEST_CASE("Ulysses deals q, k and v out by heads, and what attention makes of them by positions") {
  const json shown = layouts_of("--model gpt-nano --tp 2 --tensor ulysses");

  const json to_heads = conversion_for(shown, "h.0.attn.core"), to_positions = conversion_for(shown, "h.0.attn.proj");
  CHECK(to_heads["collectives"] == "all_to_all, backward all_to_all");
  CHECK(to_positions["collectives"] == "all_to_all, backward all_to_all");
  CHECK(to_heads["bytes"] == 4 * 64 / 2 * 3 * 128 * 4);  // 4 samples, half of 64 positions, 3 x 128 features
  CHECK(to_positions["bytes"] == 4 * 64 * 128 / 2 * 4);  // all positions, half of the features
  CHECK(shown["conversions"].size() == 2 * 8);           // and no other in 8 blocks
}

TEST_CASE("replicas share every layer's rule and add up all gradients") {
  const json shown = layouts_of("--model mlp --dp 2");

  CHECK(shown["conversions"].empty());
  CHECK(rule_of(shown, "hidden.3.linear", "data")["output"] == "split(samples)");
  REQUIRE(shown["gradients"].size() == 1);
  CHECK(shown["gradients"][0]["over"] == "data");
  CHECK(shown["gradients"][0]["bytes"] == 7'520'320);  // 1,880,080 parameters of 4 bytes
}

TEST_CASE("an axis with one rank is not shown") {
  const json shown = layouts_of("--model mlp --dp 2");

  for (const json& row : shown["layers"]) CHECK(row["axes"].size() == 1);
  CHECK_THAT(typed("show layouts --model mlp").out, Contains("nothing is divided: every axis has one rank"));
}

TEST_CASE("images over ranks trade halos, and gather where they end") {
  const json shown = layouts_of("--model vgg-nano --spatial 2");

  CHECK(rule_of(shown, "conv1_1", "height")["output"] == "split(1)");
  CHECK(conversion_for(shown, "conv1_1")["collectives"] == "halo of 0 + 1 rows");  // rank 0 is at the upper edge
  CHECK(conversion_for(shown, "conv1_1")["bytes"] == 768);                         // 4 x 3 channels x 1 row of 16 x 4 bytes
  CHECK(conversion_for(shown, "flatten")["collectives"] == "all_gather");
  CHECK(rule_of(shown, "fc3", "height")["repeated"] == true);
}

TEST_CASE("statistics of a replica's own samples are marked as approximate") {
  CHECK_THAT(typed("show layouts --model resnet-nano --dp 2").out, Contains(" approximate\n"));
  CHECK_THAT(typed("show layouts --model resnet-nano --dp 2 --sync-batch-norm on").out, !Contains("approximate"));
}

TEST_CASE("sequence parallelism turns an all-reduce into its two halves") {
  const std::string text = typed("show layouts --model gpt-nano --tp 2 --sequence-parallel on").out;

  CHECK_THAT(text, Contains("  h.0.attn.qkv                 columns      split(1, 3 blocks)\n"));
  CHECK_THAT(text, Contains("< 128 KiB of h.0.attn.proj partial -> split(0): reduce_scatter, backward"));  // 4 x 64 x 128 x 4 B
  CHECK_THAT(text, !Contains("all_reduce, ") && Contains("gradients: all_reduce over tensor"));  // of the norms
}

TEST_CASE("layouts fit 80 columns, whatever the mesh and the names") {
  const std::string flags = GENERATE("--model gpt-nano --tp 2 --dp 2 --sequence-parallel on", "--model vit-b-16 --tp 4",
                                     "--model resnet50 --dp 2 --spatial 2x2", "--model bert-base --tp 2");
  std::istringstream lines(typed("show layouts --on tesla-k80:8 " + flags).out);

  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    INFO(flags << ": " << line);
    CHECK(line.size() <= 80);
  }
  CHECK(count > 50);
}

TEST_CASE("layouts of a file's own rules are those of the file") {
  const TemporaryFolder folder;
  const std::string file = folder.write("plan.yaml",
                                        "model: mlp\nmesh: {tensor: 2}\n"
                                        "layouts: {first.linear: replicated, hidden.0.linear: columns}\n");

  const json shown = layouts_of(file);

  CHECK(rule_of(shown, "first.linear", "tensor")["rule"] == "replicated");
  CHECK(rule_of(shown, "hidden.0.linear", "tensor")["rule"] == "columns");
}

TEST_CASE("the layouts and the prediction of a model with long sequences need no text as long") {
  const std::string model = "--model " + source_dir() + "/tests/models/configs/llama-3.1-8b.json --on dgx-h100 --tp 8 ";

  const json shown = layouts_of(model);

  CHECK(rule_of(shown, "layers.0.self_attn.q_proj", "tensor")["rule"] == "columns");
  CHECK(typed("show program --micro-batches 1 --micro-batch-size 1 " + model).code == 0);
  CHECK(typed("show layouts --data /nonexistent " + model).code == 2);  // what is named is looked at
  CHECK_THAT(typed("run " + model).err, Contains("the text is too short for the model's sequence"));
}

#include "models/model_text.hpp"

#include <fmt/format.h>

#include "tests/base/temporary_folder.hpp"
#include "tests/catch.hpp"

using namespace tandem;
using Catch::Matchers::Contains;

TEST_CASE("a family at the depth that is written is the model itself") {
  for (const char* name : {"gpt2", "gpt-nano", "bert-base", "vit-b-16", "llama-nano"}) {
    CAPTURE(name);
    const ModelFamily family(name);

    CHECK(family.at(family.depth()).fingerprint() == load_model(name).fingerprint());
  }
}

TEST_CASE("twice as many blocks of GPT-2 have twice the parameters of its blocks") {
  const ModelFamily family("gpt2");

  REQUIRE(family.depth() == 12);
  CHECK(family.at(12).parameter_count() == 124'439'808);
  CHECK(family.at(24).parameter_count() == 124'439'808 + 12 * 7'087'872);  // 12 h^2 + 13 h each, h = 768
}

TEST_CASE("a configuration grows by its number of layers") {
  const TemporaryFolder folder;
  const std::string path = folder.write("small.json", R"({"model_type": "gpt2",
  "vocab_size": 100, "n_positions": 16, "n_embd": 8, "n_head": 2,
  "n_layer": 3, "activation_function": "gelu_new"})");

  const ModelFamily family(path);

  CHECK(family.depth() == 3);
  CHECK(family.at(3).fingerprint() == load_model(path).fingerprint());
  CHECK(family.at(5).parameter_count() - family.at(3).parameter_count() == 2 * (12 * 8 * 8 + 13 * 8));
}

TEST_CASE("a model without one repeated block is no family") {
  CHECK_THROWS_WITH(ModelFamily("vgg16"), Contains("no one depth that could grow") && Contains("0 repeated blocks"));
}

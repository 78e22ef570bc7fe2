#include "models/hugging_face/config.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <rapidcheck.h>

#include "base/yaml.hpp"
#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

std::string fixture(const std::string& name) { return fmt::format("{}/tests/models/configs/{}", source_dir(), name); }

std::string gpt2_text() { return read_text(fixture("gpt2.json"), Bytes{100'000}); }

/// The fixture with `from`, which stands in it once, replaced.
std::string changed(const std::string& from, const std::string& to) {
  auto text = gpt2_text();
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Model read(const std::string& text) { return read_hugging_face_config(text, "config.json", "m"); }

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

std::int64_t features(const Model& model, const std::string& layer) {
  return model.layer(find_layer(model, layer)).output.columns();
}

}  // namespace

TEST_CASE("GPT-2's published configurations give the published counts and the models of the zoo") {
  for (const auto* name : {"gpt2", "gpt2-xl"}) {
    const auto from_config = load_model(fixture(fmt::format("{}.json", name)));
    const auto from_zoo = load_model(name);

    CHECK(from_config.name() == name);
    CHECK(from_config.parameter_count() == from_zoo.parameter_count());
    CHECK(from_config.fingerprint() == from_zoo.fingerprint());
    CHECK(names_of(from_config) == names_of(from_zoo));
  }
}

TEST_CASE("a folder that holds config.json is a model by the folder's name") {
  const auto folder = std::filesystem::temp_directory_path() / "tandem-test-models" / "my-gpt2";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << gpt2_text();

  const auto by_folder = load_model(folder.string()), by_file = load_model((folder / "config.json").string());

  CHECK(by_folder.name() == "my-gpt2");
  CHECK(by_file.name() == "my-gpt2");
  CHECK(by_folder.parameter_count() == 124'439'808);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a configuration cut off at any byte is refused with a place") {
  auto text = gpt2_text();
  while (text.back() != '}') text.pop_back();

  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto message = refusal(text.substr(0, length));
    if (!message.starts_with("config.json:")) FAIL("cut at byte " << length << ": " << message);
  }
  CHECK(refusal(text) == "accepted");
}

TEST_CASE("a configuration with any bytes changed is read or refused with its name") {
  CHECK(rc::check("changed bytes", [] {
    auto text = gpt2_text();
    for (int changes = *rc::gen::inRange(1, 4); changes > 0; --changes) {
      const auto byte = rc::gen::oneOf(rc::gen::elementOf(std::string("\"{}[],:09-.e")), rc::gen::arbitrary<char>());
      text[*rc::gen::inRange<std::size_t>(0, text.size())] = *byte;
    }
    const auto message = refusal(text);
    RC_ASSERT(message == "accepted" || message.starts_with("config.json:"));
  }));
}

TEST_CASE("broken JSON is located in a configuration") {
  CHECK_THAT(refusal(changed("50257\n", "50257,\n")), Catch::StartsWith("config.json:31:1: error: syntax error"));
  CHECK_THAT(refusal(changed("768", "NaN")), Catch::StartsWith("config.json:14:13: error: syntax error"));
  CHECK_THAT(refusal(changed("768,", "768, // wide")), Catch::StartsWith("config.json:14:18: error: syntax error"));
  CHECK_THAT(refusal(gpt2_text() + "x"), Catch::StartsWith("config.json:32:1: error: syntax error"));
  CHECK(refusal(changed("\"n_head\": 12", "\"n_embd\": 768")) == R"(config.json:15:3: error: duplicate key; got "n_embd")");
}

TEST_CASE("an unknown architecture is refused by name with the list of the supported") {
  CHECK(refusal(changed("\"gpt2\"", "\"llamma\"")) ==
        R"(config.json:12:17: error: unsupported model_type; got "llamma", want one of the supported: bert, gpt2, llama, vit)");
  CHECK(refusal("{\"text_config\": {\"model_type\": \"gpt2\"}}") ==
        R"(config.json:1:1: error: missing key "model_type"; want one of the supported: bert, gpt2, llama, vit)");
  CHECK_THAT(refusal(changed("\"gpt2\"", "2")), Catch::Contains(R"(wrong kind of value; got "2", want a text)"));
  CHECK_THAT(refusal("[]"), Catch::Contains(R"(got "a list", want a map)"));
}

TEST_CASE("both spellings of a field are read, and must agree") {
  const auto renamed = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  auto modern = renamed(gpt2_text(), "n_embd", "hidden_size");
  modern = renamed(renamed(modern, "n_layer", "num_hidden_layers"), "n_head", "num_attention_heads");

  CHECK(read(modern).fingerprint() == load_model("gpt2").fingerprint());
  CHECK(refusal(changed("\"n_embd\": 768", "\"n_embd\": 768, \"hidden_size\": 768")) == "accepted");
  CHECK(refusal(changed("\"n_embd\": 768", "\"n_embd\": 768, \"hidden_size\": 1024")) ==
        R"(config.json:14:33: error: n_embd and hidden_size mean the same but differ; got "768 and 1024", want one value)");
  CHECK_THAT(refusal(changed("\"n_ctx\": 1024", "\"n_ctx\": 512")), Catch::Contains("n_positions and n_ctx mean the same but differ"));
}

TEST_CASE("n_inner is four times the hidden size where it is null or absent") {
  const auto with_inner = [](const std::string& value) { return read(changed("\"n_layer\"", fmt::format("\"n_inner\": {}, \"n_layer\"", value))); };

  CHECK(features(with_inner("null"), "h.0.mlp.fc") == 3072);
  CHECK(features(with_inner("1000"), "h.0.mlp.fc") == 1000);
  CHECK(with_inner("1000").parameter_count() ==
        124'439'808 - 12 * (2 * 768 * 2072 + 2072));  // two matrices and a bias, each 3072 - 1000 narrower
}

TEST_CASE("an output projection that is not tied has values of its own") {
  const auto model = read(changed("\"n_layer\"", "\"tie_word_embeddings\": false, \"n_layer\""));

  CHECK(model.parameter_count() == 124'439'808 + 50257 * 768);
}

TEST_CASE("a number out of range is refused where it stands") {
  const auto with = [](const std::string& key, const std::string& value) {
    const auto text = gpt2_text();
    const auto start = text.find(fmt::format("\"{}\": ", key)) + key.size() + 4;
    return refusal(text.substr(0, start) + value + text.substr(text.find_first_of(",\n", start)));
  };

  CHECK(with("n_embd", "768") == "accepted");
  CHECK(with("vocab_size", "0") == R"(config.json:30:17: error: out of range; got "0", want a whole number from 2 to 16777216)");
  CHECK(with("n_layer", "0") == R"(config.json:16:14: error: out of range; got "0", want a whole number from 1 to 9000)");
  CHECK_THAT(with("n_layer", "1000000000"), Catch::Contains(R"(config.json:16:14: error: out of range; got "1000000000")"));
  CHECK_THAT(with("n_layer", "1e9"), Catch::Contains("config.json:16:14: error: out of range"));
  CHECK_THAT(with("n_embd", "-768"), Catch::Contains(R"(out of range; got "-768")"));
  CHECK_THAT(with("n_embd", "767.5"), Catch::Contains(R"(out of range; got "767.5")"));
  CHECK_THAT(with("n_embd", "1e30"), Catch::Contains("out of range"));
  CHECK_THAT(with("n_embd", "\"768\""), Catch::Contains(R"(wrong kind of value; got "768", want a number)"));
  CHECK_THAT(with("n_embd", "null"), Catch::Contains(R"(missing key "n_embd")"));
  CHECK_THAT(with("layer_norm_epsilon", "-1"), Catch::Contains("out of range"));
}

TEST_CASE("heads that do not divide the hidden size are refused with both") {
  CHECK(refusal(changed("\"n_head\": 12", "\"n_head\": 7")) ==
        R"(config.json:1:1: error: the heads do not divide the hidden size; got "n_embd 768 and n_head 7", want n_embd a multiple of n_head)");
}

TEST_CASE("a type of values that nobody knows is refused with those that are known") {
  const auto with = [](const std::string& entry) { return refusal(changed("\"n_layer\"", fmt::format("{}, \"n_layer\"", entry))); };

  for (const auto* key : {"dtype", "torch_dtype"}) {
    CHECK(with(fmt::format("\"{}\": \"bfloat16\"", key)) == "accepted");
    CHECK(with(fmt::format("\"{}\": null", key)) == "accepted");
    CHECK_THAT(with(fmt::format("\"{}\": \"float7\"", key)),
               Catch::Contains(fmt::format("unsupported {}", key)) &&
                   Catch::EndsWith(R"(got "float7", want one of float32, float16, bfloat16, float64)"));
  }
}

TEST_CASE("an activation other than the tanh approximation is refused by name") {
  CHECK(refusal(changed("gelu_new", "gelu_pytorch_tanh")) == "accepted");
  CHECK_THAT(refusal(changed("gelu_new", "silu")),
             Catch::StartsWith("config.json:2:26: error: unsupported activation_function") &&
                 Catch::EndsWith(R"(got "silu", want one of gelu_new, gelu_pytorch_tanh)"));
}

TEST_CASE("what would change the computation silently is refused") {
  const auto with = [](const std::string& entry) { return refusal(changed("\"n_layer\"", fmt::format("{}, \"n_layer\"", entry))); };

  CHECK_THAT(with("\"quantization_config\": {\"bits\": 4}"), Catch::Contains("a quantized model cannot be trained"));
  CHECK(with("\"quantization_config\": null") == "accepted");
  CHECK_THAT(with("\"scale_attn_weights\": false"), Catch::Contains("unsupported scale_attn_weights"));
  CHECK_THAT(with("\"scale_attn_by_inverse_layer_idx\": true"), Catch::Contains("unsupported scale_attn_by_inverse_layer_idx"));
  CHECK_THAT(with("\"add_cross_attention\": true"), Catch::Contains("unsupported add_cross_attention"));
  CHECK_THAT(with("\"tie_word_embeddings\": 1"), Catch::Contains(R"(got "1", want true or false)"));
}

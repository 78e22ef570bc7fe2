// The dropout rates of Hugging Face configurations, where a plan uses them.

#include <fmt/format.h>

#include "base/yaml.hpp"
#include "models/hugging_face/config.hpp"
#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"
#include "tests/source_dir.hpp"

using namespace tandem;

namespace {

std::string text_of(const std::string& name) {
  return read_text(fmt::format("{}/tests/models/configs/{}.json", source_dir(), name), Bytes{100'000});
}

/// The fixture with a rate of its own, of which it has one already.
std::string with_rate(const std::string& name, const std::string& key, const std::string& rate) {
  std::string text = text_of(name);
  const auto at = text.find("\"" + key + "\": ");
  REQUIRE(at != std::string::npos);
  const auto value = text.find(": ", at) + 2;
  return text.replace(value, text.find_first_of(",\n", value) - value, rate);
}

Model read(const std::string& text, DropoutUse use) { return read_hugging_face_config(text, "config.json", "m", use); }

/// "name rate" of every layer that drops values, but for those of later blocks.
std::vector<std::string> rates_of(const Model& model) {
  std::vector<std::string> rates;
  for (const Layer& layer : model.layers()) {
    const bool attends = layer.kind->name == "attention" || layer.kind->name == "grouped_attention";
    if (!attends && layer.kind->name != "dropout") continue;
    const double rate = layer.attributes.number(attends ? "dropout" : "probability");
    const bool first = layer.name.find(".0.") != std::string::npos || layer.name.find('.') == std::string::npos ||
                       layer.name.starts_with("embeddings");
    if (first && rate > 0) rates.push_back(fmt::format("{} {}", layer.name, rate));
  }
  return rates;
}

}  // namespace

TEST_CASE("GPT-2 drops embeddings, probabilities, and what each half of a block adds, each at its own rate") {
  std::string text = with_rate("gpt2", "embd_pdrop", "0.2");
  text.replace(text.find("\"attn_pdrop\": 0.1") + 14, 3, "0.3");

  CHECK(rates_of(read(text, DropoutUse::recomputed)) ==
        std::vector<std::string>{"drop 0.2", "h.0.attn.core 0.3", "h.0.attn.dropout 0.1", "h.0.mlp.dropout 0.1"});
}

TEST_CASE("BERT and ViT drop embeddings, probabilities and the outputs of both halves, Llama probabilities alone") {
  using Rates = std::vector<std::string>;

  CHECK(rates_of(read(text_of("bert-base"), DropoutUse::recomputed)) ==
        Rates{"embeddings.dropout 0.1", "encoder.layer.0.attention.core 0.1", "encoder.layer.0.attention.dropout 0.1",
              "encoder.layer.0.output_dropout 0.1"});
  CHECK(rates_of(read(with_rate("vit-b-16", "hidden_dropout_prob", "0.4"), DropoutUse::recomputed)) ==
        Rates{"embeddings.dropout 0.4", "encoder.layer.0.attention.dropout 0.4", "encoder.layer.0.output_dropout 0.4"});
  CHECK(rates_of(read(with_rate("llama-3.1-8b", "attention_dropout", "0.5"), DropoutUse::recomputed)) ==
        Rates{"layers.0.self_attn.core 0.5"});
}

TEST_CASE("rates change no parameter, and by default nothing at all") {
  const Model off = read(text_of("gpt2"), DropoutUse::off), on = read(text_of("gpt2"), DropoutUse::recomputed);

  CHECK(rates_of(off).empty());
  CHECK(off.fingerprint() == load_model("gpt2").fingerprint());
  CHECK(on.parameter_count() == off.parameter_count());
  CHECK(on.layer_count() == off.layer_count() + 1 + 2 * 12);  // of the embeddings, and two in each of twelve blocks
}

TEST_CASE("stored masks are what layers keep, those of a model file, too") {
  const auto stores = [](const Model& model, const std::string& name) {
    return model.layer(find_layer(model, name)).attributes.integer("stores_mask");
  };
  const Model config = read(text_of("gpt2"), DropoutUse::stored), file = load_model("gpt-nano-dropout", DropoutUse::stored);

  for (const Model* model : {&config, &file})
    for (const std::string name : {"drop", "h.0.attn.core", "h.0.mlp.dropout"}) CHECK(stores(*model, name) == 1);
  CHECK(stores(load_model("gpt-nano-dropout", DropoutUse::recomputed), "drop") == 0);
  // Beside the probabilities of 4 heads: a byte and a value of each.
  const Kept& kept = file.layer(find_layer(file, "h.0.attn.core")).kept;
  REQUIRE(kept.extra.size() == 3);
  CHECK(kept.extra[1].bytes(1).count == 4 * 64 * 64);
  CHECK(kept.extra[2].bytes(1).count == 4 * 4 * 64 * 64);
}

TEST_CASE("a rate that drops all is refused at its place") {
  const std::string message = message_of([] { read(with_rate("gpt2", "attn_pdrop", "1.0"), DropoutUse::off); });

  CHECK(message.find("config.json:6:") != std::string::npos);
  CHECK(message.find("0.999") != std::string::npos);
}

// Llama, BERT and ViT from Hugging Face configurations.

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

/// The fixture with `from`, which stands in it once, replaced.
std::string changed(const std::string& name, const std::string& from, const std::string& to) {
  auto text = text_of(name);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  REQUIRE(text.find(from, at + 1) == std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The fixture with further entries.
std::string with(const std::string& name, const std::string& entries) {
  return changed(name, "\"model_type\"", entries + ", \"model_type\"");
}

Model read(const std::string& text) { return read_hugging_face_config(text, "config.json", "m"); }

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

const Layer& layer(const Model& model, const std::string& name) { return model.layer(find_layer(model, name)); }

std::string labels(int count) {
  std::string text = "\"id2label\": {";
  for (int label = 0; label < count; ++label) text += fmt::format("{}\"{}\": \"label {}\"", label > 0 ? ", " : "", label, label);
  return text + "}";
}

/// V d (2, or 1 where tied) + L (2 d h s + 2 d k s + 3 d f + 2 d) + d, heads of size s = d / h.
std::int64_t llama_parameters(std::int64_t V, std::int64_t d, std::int64_t L, std::int64_t h, std::int64_t k,
                              std::int64_t f) {
  const auto s = d / h;
  return 2 * V * d + L * (2 * d * h * s + 2 * d * k * s + 3 * d * f + 2 * d) + d;
}

}  // namespace

TEST_CASE("the published configurations give the published counts and the models of the zoo") {
  const auto same = [](const Model& model, const std::string& zoo) {
    const auto wanted = load_model(zoo);
    CHECK(model.fingerprint() == wanted.fingerprint());
    CHECK(names_of(model) == names_of(wanted));
    return model.parameter_count();
  };

  CHECK(same(read(text_of("llama-2-7b")), "llama-2-7b") == 6'738'415'616);
  CHECK(same(read(text_of("llama-3.1-8b")), "llama-3.1-8b") == 8'030'261'248);
  CHECK(same(read(text_of("bert-base")), "bert-base") == 109'482'240);
  CHECK(same(read(with("vit-b-16", labels(1000))), "vit-b-16") == 86'567'656);
}

TEST_CASE("the formulas for the parameters give the published counts") {
  const std::int64_t d = 768, f = 3072, L = 12;
  const auto block = 4 * d * d + 4 * d + 2 * d * f + f + d + 4 * d;

  CHECK(llama_parameters(32'000, 4096, 32, 32, 32, 11'008) == 6'738'415'616);
  CHECK(llama_parameters(128'256, 4096, 32, 32, 8, 14'336) == 8'030'261'248);
  CHECK((30'522 + 512 + 2) * d + 2 * d + L * block + d * d + d == 109'482'240);
  CHECK(d + 197 * d + 3 * 256 * d + d + L * block + 2 * d + 1000 * d + 1000 == 86'567'656);
  CHECK(load_model("llama-nano").parameter_count() == llama_parameters(256, 64, 4, 8, 4, 192));
}

TEST_CASE("a configuration of any family cut off at any byte is refused with a place") {
  for (const auto* name : {"llama-3.1-8b", "bert-base", "vit-b-16"}) {
    auto text = text_of(name);
    while (text.back() != '}') text.pop_back();
    for (std::size_t length = 0; length < text.size(); ++length) {
      const auto message = refusal(text.substr(0, length));
      if (!message.starts_with("config.json:")) FAIL(name << " cut at byte " << length << ": " << message);
    }
    CHECK(refusal(text) == "accepted");
  }
}

TEST_CASE("a Llama's key and value heads are its heads where they are null or absent") {
  const auto heads = [](const std::string& text) {
    return layer(read(text), "layers.0.self_attn.core").attributes.integer("key_value_heads");
  };

  CHECK(heads(text_of("llama-3.1-8b")) == 8);
  CHECK(heads(changed("llama-3.1-8b", "\"num_key_value_heads\": 8", "\"num_key_value_heads\": null")) == 32);
  CHECK(heads(changed("llama-3.1-8b", "\"num_key_value_heads\": 8,", "")) == 32);
  CHECK(refusal(changed("llama-3.1-8b", "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5")) ==
        "config.json:1:1: error: the key and value heads do not divide the heads; "
        R"(got "num_key_value_heads 5 and num_attention_heads 32", want num_attention_heads a multiple of num_key_value_heads)");
}

TEST_CASE("a Llama's heads have the size that is given, or share the hidden size") {
  const auto columns = [](const std::string& text) {
    return layer(read(text), "layers.0.self_attn.q_proj").output.columns();
  };

  CHECK(columns(with("llama-2-7b", "\"head_dim\": null")) == 4096);
  CHECK(columns(with("llama-2-7b", "\"head_dim\": 64")) == 2048);
  CHECK(layer(read(with("llama-2-7b", "\"head_dim\": 64")), "layers.0.self_attn.o_proj").output.columns() == 4096);
  CHECK_THAT(refusal(with("llama-2-7b", "\"head_dim\": 63")), Catch::Contains("heads of even size"));
  CHECK(refusal(changed("llama-2-7b", "\"hidden_size\": 4096", "\"hidden_size\": 4100")) ==
        "config.json:1:1: error: the heads do not divide the hidden size; "
        R"(got "hidden_size 4100 and num_attention_heads 32", want hidden_size a multiple of num_attention_heads)");
}

TEST_CASE("a Llama's switches add biases and tie the output to the embedding") {
  const auto plain = read(text_of("llama-2-7b")).parameter_count();
  const auto count = [](const std::string& text) { return read(text).parameter_count(); };

  CHECK(count(with("llama-2-7b", "\"attention_bias\": true")) == plain + 32 * 4 * 4096);            // q, k, v, o
  CHECK(count(with("llama-2-7b", "\"mlp_bias\": true")) == plain + 32 * (2 * 11'008 + 4096));       // gate, up, down
  CHECK(count(changed("llama-2-7b", "embeddings\": false", "embeddings\": true")) == plain - 32'000 * 4096);
}

TEST_CASE("a Llama's rotary positions are scaled as the file says, in either spelling") {
  const auto rotary = [](const std::string& text) { return layer(read(text), "layers.3.self_attn.q_rotary").attributes; };
  const std::string parameters =
      R"("rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, )"
      R"("high_freq_factor": 4.0, "original_max_position_embeddings": 8192})";
  auto modern = text_of("llama-3.1-8b");
  modern.erase(modern.find("  \"rope_scaling\""), modern.find("  \"tie_word") - modern.find("  \"rope_scaling\""));
  modern.insert(modern.find("\"tie_word"), parameters + ",\n  ");

  CHECK(rotary(text_of("llama-2-7b")).number("factor") == 1);
  CHECK(rotary(text_of("llama-2-7b")).number("base") == 10'000);
  CHECK(rotary(text_of("llama-3.1-8b")).number("factor") == 8);
  CHECK(rotary(text_of("llama-3.1-8b")).integer("original_positions") == 8192);
  CHECK(read(modern).fingerprint() == load_model("llama-3.1-8b").fingerprint());
  CHECK(rotary(changed("llama-2-7b", "\"rope_scaling\": null",
                       R"("rope_scaling": {"type": "linear", "factor": 2.0})")).number("factor") == 2);
}

TEST_CASE("a scaling of rotary positions that is not implemented or not complete is refused by name") {
  const auto scaling = [](const std::string& value) {
    return refusal(changed("llama-2-7b", "\"rope_scaling\": null", "\"rope_scaling\": " + value));
  };

  CHECK_THAT(scaling(R"({"type": "dynamic", "factor": 2.0})"),
             Catch::Contains("unsupported rope_scaling.type") && Catch::EndsWith("one of default, linear, llama3"));
  CHECK_THAT(scaling(R"({"rope_type": "yarn", "factor": 2.0})"), Catch::Contains(R"(got "yarn")"));
  CHECK_THAT(scaling(R"({"rope_type": "llama3", "factor": 2.0})"),
             Catch::Contains("rope_scaling has no original_max_position_embeddings"));
  CHECK_THAT(scaling(R"({"rope_type": "linear"})"), Catch::Contains("rope_scaling has no factor"));
  CHECK_THAT(scaling(R"({"factor": 2.0})"), Catch::Contains("rope_scaling has a factor but no type"));
  CHECK_THAT(scaling("7"), Catch::Contains(R"(wrong kind of value; got "7", want a map)"));
  CHECK_THAT(refusal(with("llama-2-7b", "\"partial_rotary_factor\": 0.5")), Catch::Contains("out of range"));
}

TEST_CASE("numbers out of range are refused in every family") {
  for (const auto* name : {"llama-2-7b", "bert-base", "vit-b-16"}) {
    const auto text = text_of(name);
    const auto replaced = [&](const std::string& key, const std::string& value) {
      const auto start = text.find(fmt::format("\"{}\": ", key)) + key.size() + 4;
      return refusal(text.substr(0, start) + value + text.substr(text.find_first_of(",\n", start)));
    };

    CHECK_THAT(replaced("num_hidden_layers", "0"), Catch::Contains(R"(out of range; got "0")"));
    CHECK_THAT(replaced("num_hidden_layers", "1000000000"), Catch::Contains("out of range"));
    CHECK_THAT(replaced("hidden_size", "-8"), Catch::Contains("out of range"));
    CHECK_THAT(replaced("num_attention_heads", "null"), Catch::Contains(R"(missing key "num_attention_heads")"));
    CHECK_THAT(replaced("num_attention_heads", "7"), Catch::Contains("the heads do not divide the hidden size"));
  }
  CHECK_THAT(refusal(changed("llama-2-7b", "32000", "0")), Catch::Contains(R"(out of range; got "0")"));
}

TEST_CASE("what a family lacks is refused by name, and a duplicate with it") {
  CHECK_THAT(refusal(changed("llama-2-7b", "silu", "gelu")), Catch::Contains("unsupported hidden_act"));
  CHECK_THAT(refusal(changed("bert-base", "\"gelu\"", "\"mish\"")), Catch::Contains("unsupported hidden_act"));
  CHECK_THAT(refusal(changed("bert-base", "absolute", "relative_key")),
             Catch::Contains(R"(unsupported position_embedding_type)"));
  CHECK_THAT(refusal(with("bert-base", "\"is_decoder\": true")), Catch::Contains("unsupported is_decoder"));
  CHECK_THAT(refusal(changed("vit-b-16", "\"patch_size\": 16", "\"patch_size\": 15")),
             Catch::Contains(R"(got "image_size 224 and patch_size 15")"));
  CHECK_THAT(refusal(with("llama-2-7b", "\"quantization_config\": {\"bits\": 4}")),
             Catch::Contains("a quantized model cannot be trained"));
  CHECK_THAT(refusal(with("llama-2-7b", "\"hidden_size\": 4096")), Catch::Contains(R"(duplicate key; got "hidden_size")"));
  CHECK_THAT(refusal(with("llama-2-7b", "\"dtype\": \"float7\"")), Catch::Contains("unsupported dtype"));
  CHECK_THAT(refusal(changed("llama-2-7b", "\"llama\"", "\"mixtral\"")),
             Catch::EndsWith(R"(got "mixtral", want one of the supported: bert, gpt2, llama, vit)"));
}

TEST_CASE("the activation that a file names is the layer that computes it") {
  const auto kind = [](const std::string& word) {
    return std::string(layer(read(changed("bert-base", "\"gelu\"", word)), "encoder.layer.0.activation").kind->name);
  };

  CHECK(kind("\"gelu\"") == "erf_gelu");
  CHECK(kind("null") == "erf_gelu");
  CHECK(kind("\"gelu_new\"") == "gelu");
  CHECK(kind("\"relu\"") == "relu");
}

TEST_CASE("a ViT has as many classes as labels, two where they are absent") {
  const auto classes = [](const std::string& text) { return layer(read(text), "classifier").output.columns(); };

  CHECK(classes(text_of("vit-b-16")) == 2);
  CHECK(classes(with("vit-b-16", labels(10))) == 10);
  CHECK_THAT(refusal(with("vit-b-16", labels(1))), Catch::Contains("id2label has a number of entries out of range"));
  CHECK_THAT(refusal(with("vit-b-16", "\"id2label\": [\"cat\"]")), Catch::Contains("wrong kind of value"));
}

TEST_CASE("a ViT sees its image as rows of patches behind a class token") {
  const auto model = read(text_of("vit-b-16"));

  CHECK(layer(model, "embeddings.patch").output.dims == std::vector<std::int64_t>{768, 14, 14});
  CHECK(layer(model, "embeddings.sequence").output.dims == std::vector<std::int64_t>{196, 768});
  CHECK(layer(model, "embeddings.class").output.dims == std::vector<std::int64_t>{197, 768});
  CHECK(read(changed("vit-b-16", "\"qkv_bias\": true", "\"qkv_bias\": false")).parameter_count() ==
        model.parameter_count() - 12 * 3 * 768);
}

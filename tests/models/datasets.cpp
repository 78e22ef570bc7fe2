#include "models/dataset.hpp"

#include <cmath>
#include <set>
#include <thread>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

using namespace tandem;

namespace {

std::string some_text() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7 + i / 256);
  return text;
}

std::vector<std::int32_t> tokens_of(const Dataset& dataset, const Model& model, const std::string& source,
                                    std::int64_t iteration, std::int64_t first, std::int64_t count) {
  const auto id = find_layer(model, source);
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(model.layer(id).output.elements(count)));
  dataset.fill(id, iteration, first, count, tokens.data());
  return tokens;
}

std::vector<float> values_of(const Dataset& dataset, const Model& model, const std::string& source,
                             std::int64_t iteration, std::int64_t first, std::int64_t count) {
  const auto id = find_layer(model, source);
  std::vector<float> values(static_cast<std::size_t>(model.layer(id).output.elements(count)));
  dataset.fill(id, iteration, first, count, values.data());
  return values;
}

template <class Value>
std::vector<Value> joined(std::vector<Value> first, const std::vector<Value>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<float>& values) {
  const double centre = mean(values);
  double sum = 0;
  for (const float value : values) sum += (static_cast<double>(value) - centre) * (static_cast<double>(value) - centre);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

TEST_CASE("a sample of text is consecutive bytes, and its targets are those one further on") {
  const auto model = load_model("gpt-nano");
  const auto text = some_text();
  const Dataset dataset(model, text, 1);

  const auto tokens = tokens_of(dataset, model, "tokens", 3, 5, 1), wanted = tokens_of(dataset, model, "targets", 3, 5, 1);

  std::string bytes;
  for (const auto token : tokens) bytes += static_cast<char>(token);
  CHECK(text.find(bytes) != std::string::npos);
  CHECK(std::ranges::all_of(tokens, [](auto token) { return token >= 0 && token < 256; }));
  CHECK(std::vector(tokens.begin() + 1, tokens.end()) == std::vector(wanted.begin(), wanted.end() - 1));
}

TEST_CASE("samples do not depend on how a batch is split") {
  const auto nano = load_model("gpt-nano"), mlp = load_model("mlp");
  const Dataset text(nano, some_text(), 7), regression(mlp, "", 7);

  CHECK(tokens_of(text, nano, "tokens", 2, 0, 8) ==
        joined(tokens_of(text, nano, "tokens", 2, 0, 3), tokens_of(text, nano, "tokens", 2, 3, 5)));
  CHECK(values_of(regression, mlp, "x", 2, 0, 8) ==
        joined(values_of(regression, mlp, "x", 2, 0, 3), values_of(regression, mlp, "x", 2, 3, 5)));
  CHECK(values_of(regression, mlp, "targets", 2, 0, 8) ==
        joined(values_of(regression, mlp, "targets", 2, 0, 3), values_of(regression, mlp, "targets", 2, 3, 5)));
}

TEST_CASE("threads that fill at the same time get what one thread gets") {
  const auto model = load_model("mlp");
  const Dataset dataset(model, "", 7);
  constexpr std::int64_t kThreads = 4, kSamples = 50;
  std::vector<std::vector<float>> filled(kThreads);

  std::vector<std::jthread> threads;
  for (std::int64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { filled[i] = values_of(dataset, model, "targets", 0, i * kSamples, kSamples); });
  }
  threads.clear();  // joins

  std::vector<float> all;
  for (const auto& part : filled) all = joined(std::move(all), part);
  CHECK(all == values_of(dataset, model, "targets", 0, 0, kThreads * kSamples));
}

TEST_CASE("samples differ between iterations, seeds and one another") {
  const auto model = load_model("gpt-nano");
  const Dataset one(model, some_text(), 1), two(model, some_text(), 2);

  std::set<std::vector<std::int32_t>> samples;
  for (int i = 0; i < 4; ++i) samples.insert(tokens_of(one, model, "tokens", i / 2, i % 2, 1));
  samples.insert(tokens_of(two, model, "tokens", 0, 0, 1));

  CHECK(samples.size() == 5);
}

TEST_CASE("every position of a text is reached, the last one included") {
  const auto model = load_model("gpt-nano");
  const std::string text = some_text().substr(0, 64 + 3);  // three positions for 64 tokens and their targets
  const Dataset dataset(model, text, 1);

  std::set<std::int32_t> firsts;
  for (int i = 0; i < 100; ++i) firsts.insert(tokens_of(dataset, model, "tokens", 0, i, 1)[0]);

  CHECK(firsts == std::set<std::int32_t>{0, 7, 14});
}

TEST_CASE("a text shorter than a sequence and one byte is refused") {
  const auto model = load_model("gpt-nano");

  CHECK_NOTHROW(Dataset(model, std::string(65, 'a'), 1));
  CHECK(message_of([&] { Dataset(model, std::string(64, 'a'), 1); }) ==
        R"(error: the text is too short for the model's sequence; got "64 bytes", want at least 65 bytes)");
}

TEST_CASE("a vocabulary that cannot hold every byte is refused") {
  const auto with = [](double vocabulary, double rows, double predictions) {
    const Model model("m", {{.name = "tokens", .kind = "tokens", .attributes = {{"sequence", 4}, {"vocabulary", vocabulary}}},
                            {.name = "wte", .kind = "token_embedding", .attributes = {{"vocabulary", rows}, {"hidden", 8}}},
                            linear("y", predictions),
                            {.name = "targets", .kind = "target_tokens", .attributes = {{"sequence", 4}}},
                            {.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"y", "targets"}}});
    return message_of([&] { Dataset(model, "a longer text", 1); });
  };

  CHECK(with(256, 256, 256) == "accepted");
  CHECK_THAT(with(255, 256, 256), Catch::Contains(R"(layer "tokens": a text's bytes need a larger vocabulary; got "255")"));
  CHECK_THAT(with(256, 255, 256), Catch::Contains(R"(layer "wte": a text's bytes need a larger vocabulary; got "255")"));
  CHECK_THAT(with(256, 256, 255), Catch::Contains(R"(layer "y": predicts too few values for a text's bytes; got "255")"));
}

TEST_CASE("regression inputs are standard normal") {
  const auto model = load_model("mlp");
  const Dataset dataset(model, "", 3);

  const auto inputs = values_of(dataset, model, "x", 0, 0, 1000);  // 64,000 values

  CHECK(std::abs(mean(inputs)) < 0.02);           // five standard errors: 5 / sqrt(64000)
  CHECK(std::abs(deviation(inputs) - 1) < 0.02);  // seven: 7 / sqrt(2 * 64000)
}

TEST_CASE("a single target is a linear function of the inputs plus noise of deviation 0.1") {
  const Model model("m", {values("x", 1), linear("y", 1), targets(1), squared_loss("y")});
  const Dataset dataset(model, "", 3);
  const auto x = values_of(dataset, model, "x", 0, 0, 4000), t = values_of(dataset, model, "targets", 0, 0, 4000);

  double xx = 0, xt = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    xt += static_cast<double>(x[i]) * static_cast<double>(t[i]);
  }
  std::vector<float> rest(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) rest[i] = t[i] - static_cast<float>(xt / xx) * x[i];

  CHECK(std::abs(mean(rest)) < 0.01);               // six standard errors: 6 * 0.1 / sqrt(4000)
  CHECK(std::abs(deviation(rest) - 0.1) < 0.008);  // seven: 7 * 0.1 / sqrt(2 * 4000)
}

TEST_CASE("several targets are no linear function, but the same one in every iteration") {
  const Model model("m", {values("x", 1), linear("y", 2), targets(2), squared_loss("y")});
  const Dataset dataset(model, "", 3);
  const auto t = values_of(dataset, model, "targets", 0, 0, 2000), again = values_of(dataset, model, "targets", 1, 0, 2000);

  // The teacher's outputs are bounded: 32 units of at most 1, weights of deviation 1 / sqrt(32).
  CHECK(deviation(t) > 0.15);  // more than the noise
  CHECK(std::abs(deviation(t) - deviation(again)) < 0.05 * deviation(t));
  CHECK(std::ranges::all_of(t, [](float value) { return std::abs(value) < 12; }));
}

TEST_CASE("real-valued targets need a source of inputs to be a function of") {
  const Model model("m", {targets(4), linear("y", 4, "targets"), squared_loss("y")});

  CHECK(message_of([&] { Dataset(model, "", 1); }) ==
        "error: a model with real-valued targets needs a source of kind values");
}

TEST_CASE("initial values depend on seed, name and index alone") {
  const Model small("small", {values("x", 4), linear("a", 8), targets(8), squared_loss("a")});
  const Model large("large", {values("x", 4), relu("r"), linear("a", 8), linear("b", 8), targets(8), squared_loss("b")});
  const auto weight = [](const Model& model, const std::string& name) { return model.layer(find_layer(model, name)).parameters[0]; };

  std::vector<float> forwards, backwards;
  for (std::int64_t i = 0; i < 32; ++i) forwards.push_back(initial_value(small, weight(small, "a"), 5, i));
  for (std::int64_t i = 31; i >= 0; --i) backwards.insert(backwards.begin(), initial_value(large, weight(large, "a"), 5, i));

  CHECK(forwards == backwards);
  CHECK(initial_value(small, weight(small, "a"), 6, 0) != forwards[0]);
  CHECK(initial_value(large, weight(large, "b"), 5, 0) != forwards[0]);
}

TEST_CASE("initial weights have their deviation, norms start at one and biases at zero") {
  const auto model = load_model("gpt-nano");
  const auto values = [&](const std::string& layer, std::size_t parameter, std::int64_t count) {
    std::vector<float> read;
    const auto id = model.layer(find_layer(model, layer)).parameters[parameter];
    for (std::int64_t i = 0; i < count; ++i) read.push_back(initial_value(model, id, 1, i));
    return read;
  };

  CHECK(std::abs(deviation(values("wte", 0, 20'000)) / 0.02 - 1) < 0.04);          // 8 / sqrt(2 * 20000)
  CHECK(std::abs(deviation(values("h.0.mlp.proj", 0, 20'000)) / 0.005 - 1) < 0.04);  // 0.02 / sqrt(2 * 8)
  CHECK(values("ln_f", 0, 3) == std::vector{1.F, 1.F, 1.F});
  CHECK(values("ln_f", 1, 3) == std::vector{0.F, 0.F, 0.F});
  CHECK(values("h.3.attn.qkv", 1, 3) == std::vector{0.F, 0.F, 0.F});
}

TEST_CASE("a tied parameter starts with its owner's values") {
  const auto model = load_model("gpt-nano");
  const auto owner = model.layer(find_layer(model, "wte")).parameters[0];
  const auto tied = model.layer(find_layer(model, "lm_head")).parameters[0];

  for (const std::int64_t index : {0, 1, 32'767}) {
    CHECK(initial_value(model, tied, 9, index) == initial_value(model, owner, 9, index));
  }
}

TEST_CASE("an image is its class's pattern plus standard normal noise") {
  const auto model = load_model("vgg-nano");
  const Dataset dataset(model, "", 5);
  constexpr std::int64_t kSamples = 400;
  const auto classes = tokens_of(dataset, model, "targets", 0, 0, kSamples);
  const auto images = values_of(dataset, model, "images", 0, 0, kSamples);
  const std::size_t size = 3 * 16 * 16;

  std::vector<std::vector<float>> sums(8, std::vector<float>(size));
  std::vector<float> counts(8);
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto shown = static_cast<std::size_t>(classes[i]);
    counts[shown] += 1;
    for (std::size_t at = 0; at < size; ++at) sums[shown][at] += images[i * size + at];
  }
  std::vector<float> noise;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto shown = static_cast<std::size_t>(classes[i]);
    for (std::size_t at = 0; at < size; ++at) noise.push_back(images[i * size + at] - sums[shown][at] / counts[shown]);
  }

  for (const float count : counts) CHECK(count > 25);  // of 50, with a deviation of 6.6
  // the means of 50 images take 1 / 50 of the noise's variance: sqrt(0.98) = 0.99
  CHECK(std::abs(deviation(noise) - 0.99) < 0.01);
  // the waves alone, of amplitude 1, would deviate by sqrt(1 / 2)
  for (std::size_t shown = 0; shown < 8; ++shown) {
    for (float& value : sums[shown]) value /= counts[shown];
    CHECK(deviation(sums[shown]) > 0.6);
  }
}

TEST_CASE("images and their classes do not depend on how a batch is split") {
  const auto model = load_model("resnet-nano");
  const Dataset dataset(model, "", 7);

  CHECK(tokens_of(dataset, model, "targets", 2, 0, 8) ==
        joined(tokens_of(dataset, model, "targets", 2, 0, 3), tokens_of(dataset, model, "targets", 2, 3, 5)));
  CHECK(values_of(dataset, model, "images", 2, 0, 8) ==
        joined(values_of(dataset, model, "images", 2, 0, 3), values_of(dataset, model, "images", 2, 3, 5)));
  CHECK(values_of(dataset, model, "images", 2, 0, 1) != values_of(dataset, model, "images", 3, 0, 1));
}

TEST_CASE("a model that predicts fewer classes than there are is refused") {
  const Model model("m", {{.name = "images", .kind = "images", .attributes = {{"channels", 1}, {"height", 4}, {"width", 4}}},
                          {.name = "row", .kind = "flatten"},
                          linear("y", 9),
                          {.name = "targets", .kind = "target_class", .attributes = {{"classes", 10}}},
                          {.name = "loss", .kind = "softmax_cross_entropy", .inputs = {"y", "targets"}}});

  CHECK(message_of([&] { Dataset(model, "", 1); }) ==
        R"(error: layer "y": predicts too few classes; got "9", want at least 10)");
}

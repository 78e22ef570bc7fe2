#include "tests/models/applied.hpp"

using namespace tandem;

TEST_CASE("the table of layer kinds is sorted by name, and every kind says what it is") {
  const auto kinds = layer_kinds();

  CHECK(std::ranges::is_sorted(kinds, {}, &LayerKind::name));
  for (const auto& kind : kinds) CHECK_FALSE(kind.meaning.empty());
}

TEST_CASE("an unknown layer kind brings the closest one") {
  CHECK(message_of([] { find_layer_kind("linaer"); }).starts_with(R"(error: unknown layer kind; did you mean "linear"?)"));
}

TEST_CASE("a tensor counts its elements, rows and columns for a batch") {
  const auto tensor = real({5, 7});

  CHECK(tensor.elements(3) == 105);
  CHECK(tensor.rows(3) == 15);
  CHECK(tensor.columns() == 7);
  CHECK(tensor.bytes(3) == Bytes{420});
}

TEST_CASE("a loss is one value whatever the batch") {
  const TensorSpec loss{.dims = {}, .per_sample = false};

  CHECK(loss.elements(8) == 1);
  CHECK(loss.rows(8) == 1);
  CHECK(loss.columns() == 1);
}

TEST_CASE("a tensor beyond counting is refused instead of wrapping") {
  const std::int64_t large = 1 << 24;

  CHECK_THROWS_AS(real({large, large, large}).elements_per_sample(), InputError);  // 2^72
  CHECK_THROWS_AS(real({large, large}).elements(large), InputError);
  CHECK(real({large, large}).elements(32) == std::int64_t{1} << 53);  // 2^48 * 2^5: the last that is counted
}

TEST_CASE("a linear layer multiplies rows by its weight in each pass") {
  const auto layer = apply("linear", {real({3, 4})}, {{"features", 5}});  // batch 2: 6 rows of 4 to rows of 5

  CHECK(layer.output == real({3, 5}));
  check_product(layer.work(F, 2), 0, 6, 5, 4, 1);
  check_product(layer.work(I, 2), 0, 6, 4, 5, 1);
  check_product(layer.work(W, 2), 0, 5, 4, 6, 1);
  CHECK(layer.work(F, 2).elementwise == 30);  // a bias on each of 6 * 5 values
  CHECK(layer.work(I, 2).elementwise == 0);
  CHECK(layer.work(W, 2).elementwise == 30);  // each value of dy added to its column's sum
}

TEST_CASE("a linear layer reads and writes each tensor once") {
  const auto layer = apply("linear", {real({3, 4})}, {{"features", 5}});

  CHECK(layer.work(F, 2).read == Bytes{4 * (24 + 20 + 5)});       // x, weight, bias
  CHECK(layer.work(F, 2).written == Bytes{4 * 30});               // y
  CHECK(layer.work(I, 2).read == Bytes{4 * (30 + 20)});           // dy, weight
  CHECK(layer.work(I, 2).written == Bytes{4 * 24});               // dx
  CHECK(layer.work(W, 2).read == Bytes{4 * (24 + 30 + 20 + 5)});  // x, dy, and both gradients so far
  CHECK(layer.work(W, 2).written == Bytes{4 * (20 + 5)});
}

TEST_CASE("a linear layer without bias has one parameter and no bias work") {
  const auto layer = apply("linear", {real({4})}, {{"features", 5}, {"bias", 0}});

  CHECK(layer.parameters().size() == 1);
  CHECK(layer.parameters()[0].dims == std::vector<std::int64_t>{5, 4});
  CHECK(layer.work(F, 2).flops() == Flops{80});  // 2 * 2 * 5 * 4
  CHECK(layer.work(W, 2).written == Bytes{80});
}

TEST_CASE("relu keeps its output and gelu its input") {
  const auto rectified = apply("relu", {real({6})}), smooth = apply("gelu", {real({6})});

  CHECK(rectified.kept().output);
  CHECK(rectified.kept().inputs == std::vector{false});
  CHECK_FALSE(smooth.kept().output);
  CHECK(smooth.kept().inputs == std::vector{true});
  CHECK(rectified.work(F, 10).flops() == Flops{60});
  CHECK(smooth.work(F, 10).transcendentals == 60);  // one tanh a value
  CHECK(smooth.work(I, 10).transcendentals == 60);  // and again in backward
  CHECK(is_nothing(rectified.work(W, 10)));
  CHECK(is_nothing(smooth.work(W, 10)));
}

TEST_CASE("a layer norm keeps its input and two numbers a row") {
  const auto layer = apply("layer_norm", {real({3, 8})});

  CHECK(layer.kept().inputs == std::vector{true});
  REQUIRE(layer.kept().extra.size() == 1);
  CHECK(layer.kept().extra[0] == statistic({3, 2}));
  CHECK(layer.work(F, 2).transcendentals == 6);                   // a root for each of 2 * 3 rows
  CHECK(layer.work(F, 2).read == Bytes{4 * (48 + 8 + 8)});        // x, weight, bias
  CHECK(layer.work(F, 2).written == Bytes{4 * (48 + 12)});        // y, mean and 1 / deviation of 6 rows
  CHECK(layer.work(I, 2).read == Bytes{4 * (48 + 48 + 12 + 8)});  // dy, x, statistics, weight
}

TEST_CASE("a layer norm starts as the identity") {
  const auto parameters = apply("layer_norm", {real({3, 8})}).parameters();

  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].initial == Initial::ones);
  CHECK(parameters[1].initial == Initial::zeros);
}

TEST_CASE("an embedding moves one row a token and has no input gradient") {
  const auto layer = apply("token_embedding", {whole({3})}, {{"vocabulary", 100}, {"hidden", 8}});

  CHECK(layer.output == real({3, 8}));
  CHECK(layer.work(F, 2).read == Bytes{4 * (6 + 48)});  // 6 tokens, 6 rows of 8
  CHECK(layer.work(F, 2).flops() == Flops{0});
  CHECK(is_nothing(layer.work(I, 2)));
  CHECK(layer.work(W, 2).flops() == Flops{48});
  CHECK(layer.work(W, 2).read == Bytes{4 * (6 + 48 + 48)});  // tokens, dy, the rows so far
}

TEST_CASE("a position embedding sums its gradient over the batch and keeps nothing") {
  const auto layer = apply("position_embedding", {real({3, 8})});

  CHECK(layer.parameters()[0].dims == std::vector<std::int64_t>{3, 8});
  CHECK(layer.kept().inputs == std::vector{false});
  CHECK(layer.work(I, 2).flops() == Flops{0});
  CHECK(layer.work(W, 2).flops() == Flops{48});           // 2 * 3 * 8 additions
  CHECK(layer.work(W, 2).written == Bytes{4 * 24});
}

TEST_CASE("a source writes its tensor and has no backward pass") {
  const auto layer = apply("tokens", {}, {{"sequence", 7}, {"vocabulary", 9}});

  CHECK(layer.output == whole({7}));
  CHECK(layer.work(F, 2).written == Bytes{56});
  CHECK(layer.work(F, 2).flops() == Flops{0});
  CHECK(is_nothing(layer.work(I, 2)));
  CHECK(is_nothing(layer.work(W, 2)));
}

TEST_CASE("shapes and element types that do not suit are refused") {
  CHECK_THROWS_AS(apply("residual_add", {real({4}), real({5})}), InputError);
  CHECK_THROWS_AS(apply("linear", {whole({4})}, {{"features", 5}}), InputError);
  CHECK_THROWS_AS(apply("token_embedding", {real({4})}, {{"vocabulary", 5}, {"hidden", 5}}), InputError);
  CHECK_THROWS_AS(apply("softmax_cross_entropy", {real({3, 10}), whole({4})}), InputError);
  CHECK_THROWS_AS(apply("softmax_cross_entropy", {real({3, 10}), real({3})}), InputError);
  CHECK_THROWS_AS(apply("position_embedding", {real({4})}), InputError);
  CHECK_THROWS_AS(apply("mean_squared_error", {real({1}), whole({1})}), InputError);
}

namespace {

bool is_for_images(std::string_view kind) {
  return kind.ends_with("2d") || kind == "global_average_pool" || kind == "flatten";
}

}  // namespace

TEST_CASE("every kind's work grows in proportion to the batch, weights aside") {
  const auto inputs_of = [](std::string_view kind) -> std::vector<TensorSpec> {
    if (kind == "token_embedding") return {whole({6})};
    if (kind == "softmax_cross_entropy" || kind == "vocabulary_statistics") return {real({6, 24}), whole({6})};
    if (kind == "cross_entropy_from_statistics") return {real({6, 24}), real({4, 6, 3}), whole({6})};
    if (kind == "image_to_sequence") return {real({4, 8, 8})};
    if (is_for_images(kind)) return {real({4, 8, 8})};
    return std::vector<TensorSpec>(find_layer_kind(kind).inputs, real({6, 24}));
  };
  for (const auto& kind : layer_kinds()) {
    if (kind.name.starts_with("batch_norm")) continue;  // a root for each channel, whatever the batch
    if (kind.name == "rotary") continue;                  // its angles once a call
    if (kind.name == "conv2d_winograd") continue;         // its weights are transformed once a call
    std::vector<Attributes::Value> ones;
    for (const auto& spec : kind.attributes) ones.push_back({std::string(spec.name), spec.fallback.value_or(4)});
    const auto layer = apply(kind.name, inputs_of(kind.name), ones);
    for (const auto pass : {F, I, W}) CHECK(layer.work(pass, 6).flops() == layer.work(pass, 2).flops() * 3);
  }
}

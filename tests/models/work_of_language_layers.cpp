#include "base/error.hpp"
#include "tests/models/applied.hpp"

using namespace tandem;

TEST_CASE("an rms norm keeps its input and one number a row") {
  const auto layer = apply("rms_norm", {real({3, 8})});

  CHECK(layer.kept().inputs == std::vector{true});
  CHECK(layer.kept().extra == std::vector{statistic({3, 1})});
  CHECK(layer.parameters()[0].initial == Initial::ones);
  CHECK(layer.work(F, 2).transcendentals == 6);             // a root for each of 2 * 3 rows
  CHECK(layer.work(F, 2).read == Bytes{4 * (48 + 8)});      // x, weight
  CHECK(layer.work(F, 2).written == Bytes{4 * (48 + 6)});   // y and a number for each of 6 rows
}

TEST_CASE("a grouped attention multiplies as often as one with all its heads, and reads fewer keys and values") {
  const auto grouped = apply("grouped_attention", {real({6, 8}), real({6, 4}), real({6, 4})},
                             {{"heads", 4}, {"key_value_heads", 2}});
  const auto full = apply("attention", {real({6, 24})}, {{"heads", 4}});

  for (const auto pass : {F, I}) {
    CHECK(grouped.work(pass, 3).flops() == full.work(pass, 3).flops());
    CHECK(full.work(pass, 3).read - grouped.work(pass, 3).read == Bytes{4 * 3 * 6 * 8});  // 24 - 16 columns
  }
  check_product(grouped.work(F, 3), 0, 6, 6, 2, 12);  // 3 * 4 scores of 6 positions, heads of 2
  CHECK(grouped.kept().extra == std::vector{real({4, 6, 6})});
}

TEST_CASE("heads that cannot share their inputs are refused with the shapes") {
  const auto grouped = [](double heads, double shared, std::int64_t columns) {
    return apply("grouped_attention", {real({6, 8}), real({6, columns}), real({6, columns})},
                 {{"heads", heads}, {"key_value_heads", shared}});
  };

  CHECK_NOTHROW(grouped(4, 2, 4));
  CHECK_THROWS_AS(grouped(4, 3, 4), InputError);  // 3 does not divide 4
  CHECK_THROWS_AS(grouped(4, 2, 8), InputError);  // heads of 4 for heads of 2
  CHECK_THROWS_AS(grouped(3, 3, 8), InputError);  // 3 does not divide 8
  CHECK_THROWS_AS(apply("rotary", {real({6, 9})}, {{"heads", 3}}), InputError);  // heads of 3 have no pairs
  CHECK_THROWS_AS(apply("swiglu", {real({6, 8}), real({6, 9})}), InputError);
  CHECK_THROWS_AS(apply("image_to_sequence", {real({6, 8})}), InputError);
  CHECK_THROWS_AS(apply("first_position", {real({8})}), InputError);
}

TEST_CASE("a rotary layer computes an angle a pair and position whatever the batch") {
  const auto layer = apply("rotary", {real({5, 12})}, {{"heads", 3}});

  CHECK(layer.work(F, 2).transcendentals == 5 * 4);  // cosine and sine of 2 pairs at 5 positions
  CHECK(layer.work(F, 9).transcendentals == 5 * 4);
  CHECK(layer.work(F, 2).elementwise == 3 * 2 * 60);
  CHECK(layer.kept().inputs == std::vector{false});
}

TEST_CASE("statistics of a vocabulary need three numbers a part and token, and no gradient") {
  const auto layer = apply("vocabulary_statistics", {real({5, 12}), whole({5})}, {{"parts", 4}});

  CHECK(layer.output == statistic({4, 5, 3}));
  CHECK(layer.kind.is_constant);
  CHECK(layer.work(F, 2).transcendentals == 120);
  CHECK(is_nothing(layer.work(I, 2)));
  CHECK_THROWS_AS(apply("vocabulary_statistics", {real({5, 3}), whole({5})}, {{"parts", 4}}), InputError);
  CHECK_THROWS_AS(apply("cross_entropy_from_statistics", {real({5, 12}), real({4, 5, 2}), whole({5})}), InputError);
  CHECK_THROWS_AS(apply("cross_entropy_from_statistics", {real({5, 12}), real({4, 5, 3}), whole({4})}), InputError);
}

TEST_CASE("a prediction of one row takes a target without dimensions or of one") {
  CHECK(apply("softmax_cross_entropy", {real({7}), whole({})}).output.dims.empty());
  CHECK(apply("softmax_cross_entropy", {real({7}), whole({1})}).output.dims.empty());
  CHECK_THROWS_AS(apply("softmax_cross_entropy", {real({7}), whole({2})}), InputError);
}

TEST_CASE("layers that move rows spend bytes and no arithmetic") {
  const auto sequence = apply("image_to_sequence", {real({3, 4, 5})});
  const auto token = apply("class_token", {real({4, 8})});
  const auto first = apply("first_position", {real({4, 8})});

  CHECK(sequence.output == real({20, 3}));
  CHECK(token.output == real({5, 8}));
  CHECK(first.output == real({8}));
  for (const auto* layer : {&sequence, &token, &first}) CHECK(layer->work(F, 2).flops() == Flops{0});
  CHECK(token.work(F, 2).read == Bytes{4 * (64 + 8)});   // 2 * 4 * 8 values and the token
  CHECK(token.work(W, 2).flops() == Flops{16});          // 2 rows of 8 added
  CHECK(first.work(F, 2).read == Bytes{4 * 16});
  CHECK(first.work(I, 2).written == Bytes{4 * 64});
}

TEST_CASE("dropout keeps nothing, since its mask is drawn again") {
  const auto layer = apply("dropout", {real({5, 7})});

  CHECK(layer.kept().inputs == std::vector{false});
  CHECK_FALSE(layer.kept().output);
  CHECK(layer.kept().extra.empty());
}

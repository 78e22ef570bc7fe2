#include "tests/models/applied.hpp"

using namespace tandem;

TEST_CASE("attention counts two products a head forward and four backward, dense though masked") {
  const auto layer = apply("attention", {real({6, 24})}, {{"heads", 2}});  // hidden 8, two heads of 4

  const auto forward = layer.work(F, 3), backward = layer.work(I, 3);

  CHECK(layer.output == real({6, 8}));
  check_product(forward, 0, 6, 6, 4, 6);  // S = Q K^T for 3 samples * 2 heads
  check_product(forward, 1, 6, 4, 6, 6);  // O = P V
  CHECK(product_flops(backward) == product_flops(forward) * 2);
  CHECK(forward.transcendentals == 6 * 21);  // 21 = 6 * 7 / 2 scores are not masked
  CHECK(backward.transcendentals == 0);
  CHECK(is_nothing(layer.work(W, 3)));
}

TEST_CASE("attention keeps its packed input and the probabilities of every head") {
  const auto layer = apply("attention", {real({6, 24})}, {{"heads", 2}});

  CHECK(layer.kept().inputs == std::vector{true});
  REQUIRE(layer.kept().extra.size() == 1);
  CHECK(layer.kept().extra[0] == real({2, 6, 6}));
  CHECK(layer.work(F, 1).written == Bytes{4 * (48 + 72)});  // output and probabilities
  CHECK(layer.kind.scratch({layer.attributes, layer.inputs, layer.output, 3}, I) == Bytes{4 * 36});  // one head's dS
  CHECK(layer.kind.scratch({layer.attributes, layer.inputs, layer.output, 3}, F) == Bytes{0});
}

TEST_CASE("attention that is not causal evaluates every score") {
  const auto layer = apply("attention", {real({6, 24})}, {{"heads", 2}, {"causal", 0}});

  CHECK(layer.work(F, 3).transcendentals == 6 * 36);
}

TEST_CASE("attention refuses heads that do not divide the hidden size") {
  const auto message = message_of([] { apply("attention", {real({6, 24})}, {{"heads", 3}}); });

  CHECK(message == R"(error: 3 heads cannot share the input; got "6x24", want [sequence, 3 * hidden] with hidden a multiple of 3)");
}

TEST_CASE("a residual add keeps nothing and hands its gradient to both inputs") {
  const auto layer = apply("residual_add", {real({4}), real({4})});

  CHECK(layer.kept().inputs == std::vector{false, false});
  CHECK(layer.work(F, 5).flops() == Flops{20});
  CHECK(layer.work(I, 5).flops() == Flops{0});
  CHECK(layer.work(I, 5).read == Bytes{80});
  CHECK(layer.work(I, 5).written == Bytes{160});
}

TEST_CASE("a cross entropy keeps targets and probabilities, not the prediction") {
  const auto layer = apply("softmax_cross_entropy", {real({3, 10}), whole({3})});

  CHECK_FALSE(layer.output.per_sample);
  CHECK(layer.kept().inputs == std::vector{false, true});
  REQUIRE(layer.kept().extra.size() == 1);
  CHECK(layer.kept().extra[0] == real({3, 10}));
  CHECK(layer.work(F, 2).transcendentals == 66);            // 60 exponentials, 6 logarithms
  CHECK(layer.work(I, 2).read == Bytes{4 * (60 + 6)});      // probabilities and targets
  CHECK(layer.work(I, 2).written == Bytes{4 * 60});
}

TEST_CASE("the losses of real values keep both inputs") {
  for (const auto* kind : {"mean_squared_error", "mean_absolute_error"}) {
    const auto layer = apply(kind, {real({4}), real({4})});

    CHECK(layer.kept().inputs == std::vector{true, true});
    CHECK(layer.work(F, 2).written == Bytes{4});
    CHECK(layer.work(F, 2).flops() == Flops{24});  // subtract, square or absolute value, add: 3 * 8
    CHECK(layer.work(I, 2).written == Bytes{32});
  }
}

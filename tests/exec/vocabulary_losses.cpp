#include <algorithm>
#include <cmath>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kBatch = 2, kRows = 3, kVocabulary = 11;

struct Part {
  std::int64_t first, count;
};

Origins begin_at(std::vector<std::vector<std::int64_t>> inputs) { return {std::move(inputs), {}, {}, {}}; }

/// As equal as can be: 11 = 6 + 5 = 4 + 4 + 3.
std::vector<Part> parts_of(std::int64_t parts) {
  if (parts == 1) return {{0, 11}};
  if (parts == 2) return {{0, 6}, {6, 5}};
  return {{0, 4}, {4, 4}, {8, 3}};
}

template <class Real>
KernelCase<Real> whole_loss() {
  const auto scores = real_tensor({kRows, kVocabulary});
  KernelCase<Real> loss({"softmax_cross_entropy", {}, {scores, token_tensor({kRows})}, kBatch});
  loss.run_all(find_kernels(reference_kernels<Real>(), loss.scene.kind));
  return loss;
}

template <class Real>
void copy_columns(const Tensor<Real>& whole, Part part, Tensor<Real>& own) {
  for (std::int64_t row = 0; row < kBatch * kRows; ++row) {
    std::copy_n(whole.begin() + row * kVocabulary + part.first, part.count, own.begin() + row * part.count);
  }
}

/// What a rank that holds the part says of it: [batch, 1, rows, 3].
template <class Real>
KernelCase<Real> statistics_of(const KernelCase<Real>& loss, Part part, std::span<const KernelRow<Real>> rows) {
  KernelCase<Real> own(
      {"vocabulary_statistics", {{"parts", 1}}, {real_tensor({kRows, part.count}), token_tensor({kRows})}, kBatch});
  copy_columns(loss.inputs[0], part, own.inputs[0]);
  std::ranges::copy(loss.tokens[1], own.tokens[1].begin());
  own.origins = begin_at({{0, part.first}, {}});
  own.run(find_kernels(rows, "vocabulary_statistics"), Pass::forward);
  return own;
}

/// [batch, parts, rows, 3], as an all-gather over the ranks leaves it.
template <class Real>
std::vector<Real> gathered(const KernelCase<Real>& loss, std::int64_t parts, std::span<const KernelRow<Real>> rows) {
  std::vector<Real> all(static_cast<std::size_t>(kBatch * parts * kRows * 3));
  for (std::int64_t index = 0; index < parts; ++index) {
    const auto own = statistics_of(loss, parts_of(parts)[static_cast<std::size_t>(index)], rows);
    for (std::int64_t sample = 0; sample < kBatch; ++sample) {
      std::copy_n(own.output.begin() + sample * kRows * 3, kRows * 3,
                  all.begin() + (sample * parts + index) * kRows * 3);
    }
  }
  return all;
}

/// The rank's loss and its part of the gradient, of all ranks' statistics. Runs without the case's own statistics.
template <class Real>
struct RankLoss {
  Tensor<Real> value{1}, gradient;

  RankLoss(const KernelCase<Real>& loss, Part part, const std::vector<Real>& all, std::span<const KernelRow<Real>> rows)
      : gradient(kBatch * kRows * part.count) {
    Tensor<Real> scores(kBatch * kRows * part.count), statistics(static_cast<std::int64_t>(all.size()));
    copy_columns(loss.inputs[0], part, scores);
    std::ranges::copy(all, statistics.begin());
    const auto parts = static_cast<std::int64_t>(all.size()) / (kBatch * kRows * 3);
    const std::vector<TensorSpec> specs{real_tensor({kRows, part.count}), real_tensor({parts, kRows, 3}),
                                        token_tensor({kRows})};
    const Origins origins = begin_at({{0, part.first}, {}, {}});
    const TensorSpec output{.dims = {}, .per_sample = false};
    const std::vector<const void*> inputs{scores.data(), statistics.data(), loss.tokens[1].data()};
    const std::vector<Real*> gradients{gradient.data(), nullptr, nullptr};
    const bool accumulate[] = {false, false, false};
    KernelArguments<Real> arguments;
    arguments.input_specs = specs;
    arguments.output_spec = &output;
    arguments.batch = kBatch;
    arguments.origins = &origins;
    arguments.inputs = inputs;
    arguments.output = value.data();
    arguments.seed = loss.seed_of_loss;
    arguments.input_gradients = gradients;
    arguments.accumulate = accumulate;
    const auto& row = find_kernels(rows, "cross_entropy_from_statistics");
    row.forward(arguments);
    arguments.output = nullptr;
    row.input_gradient(arguments);
  }
};

template <class Real>
void check_equals_whole(std::span<const KernelRow<Real>> rows, double tolerance) {
  const auto loss = whole_loss<Real>();
  for (const std::int64_t parts : {1, 2, 3}) {
    INFO(parts);
    const auto all = gathered(loss, parts, rows);
    for (const auto part : parts_of(parts)) {
      const RankLoss<Real> rank(loss, part, all, rows);
      Tensor<Real> wanted(kBatch * kRows * part.count);
      copy_columns(loss.input_gradients[0], part, wanted);

      CHECK(std::abs(static_cast<double>(rank.value[0] - loss.output[0])) < tolerance);
      CHECK(distance(rank.gradient, wanted) < tolerance);
    }
  }
}

}  // namespace

TEST_CASE("the cross entropy of a vocabulary in one, two or three parts is that of the whole") {
  check_equals_whole<double>(reference_kernels<double>(), 1e-12);
  check_equals_whole<float>(reference_kernels<float>(), 1e-6);
  check_equals_whole<float>(fast_kernels(), 1e-6);
}

TEST_CASE("every rank computes the same bits of the loss") {
  const auto loss = whole_loss<float>();
  const auto all = gathered(loss, 3, fast_kernels());

  const RankLoss<float> first(loss, {0, 4}, all, fast_kernels()), last(loss, {8, 3}, all, fast_kernels());

  CHECK(first.value[0] == last.value[0]);
}

TEST_CASE("a layer that is not divided says of each part what the rank with that part does") {
  const auto loss = whole_loss<float>();
  KernelCase<float> whole(
      {"vocabulary_statistics", {{"parts", 3}}, {real_tensor({kRows, kVocabulary}), token_tensor({kRows})}, kBatch});
  std::ranges::copy(loss.inputs[0], whole.inputs[0].begin());
  std::ranges::copy(loss.tokens[1], whole.tokens[1].begin());

  whole.run(find_kernels(fast_kernels(), "vocabulary_statistics"), Pass::forward);

  CHECK(std::vector<float>(whole.output.begin(), whole.output.end()) == gathered(loss, 3, fast_kernels()));
}

TEST_CASE("a part says its maximum, its sum of exponentials, and the target's score where it holds it") {
  KernelCase<float> part({"vocabulary_statistics", {{"parts", 1}}, {real_tensor({3, 2}), token_tensor({3})}, 1});
  part.inputs[0].set({1, 1, 5, -1e4F, -7, -7});
  part.tokens[1].set({4, 5, 0});
  part.origins = begin_at({{0, 4}, {}});  // columns 4 and 5

  part.run(find_kernels(fast_kernels(), "vocabulary_statistics"), Pass::forward);

  CHECK(std::vector<float>(part.output.begin(), part.output.end()) ==
        std::vector<float>{1, 2, 1, 5, 1, -1e4F, -7, 2, 0});  // exp(0) + exp(0); exp(0) + exp(-10005); foreign target
}

}  // namespace tandem

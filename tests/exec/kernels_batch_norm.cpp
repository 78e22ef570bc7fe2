#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kSamples = 4, kChannels = 3, kHeight = 6, kWidth = 5;

/// Rows [first, last) of the height of every image.
struct Rows {
  std::int64_t first, last;
  std::int64_t count() const { return last - first; }
};

/// Calls `body(index in the whole, index in the part)` for each value of the part.
template <class Body>
void for_each_value(Rows rows, Body body) {
  std::int64_t at = 0;
  for (std::int64_t plane = 0; plane < kSamples * kChannels; ++plane) {
    for (auto row = rows.first; row < rows.last; ++row) {
      for (std::int64_t column = 0; column < kWidth; ++column, ++at) {
        body(static_cast<std::size_t>((plane * kHeight + row) * kWidth + column), static_cast<std::size_t>(at));
      }
    }
  }
}

Scene norm_scene() {
  return {"batch_norm", {{"epsilon", 1e-3}}, {real_tensor({kChannels, kHeight, kWidth})}, kSamples};
}

template <class Real>
std::span<const KernelRow<Real>> kernels() {
  if constexpr (std::is_same_v<Real, float>) {
    return fast_kernels();
  } else {
    return reference_kernels<double>();
  }
}

/// The two halves of one rank.
template <class Real>
struct Rank {
  Rank(const KernelCase<Real>& whole, Rows given, std::int64_t parts)
      : rows(given),
        moments({"batch_moments", {{"parts", 1}}, {real_tensor({kChannels, rows.count(), kWidth})}, kSamples}),
        merge({"batch_norm_merge",
               {{"epsilon", 1e-3}},
               {real_tensor({kChannels, rows.count(), kWidth}), {.dims = {parts, 3, kChannels}, .per_sample = false}},
               kSamples}) {
    for_each_value(rows, [&](std::size_t from, std::size_t to) {
      moments.inputs[0][to] = merge.inputs[0][to] = whole.inputs[0][from];
      merge.output_gradient[to] = whole.output_gradient[from];
    });
    for (std::size_t i = 0; i < 2; ++i) std::ranges::copy(whole.parameters[i], merge.parameters[i].begin());
  }

  Rows rows;
  KernelCase<Real> moments, merge;
};

/// Trains the ranks' halves as a run would: moments gathered forward, their gradients summed backward.
template <class Real>
void run_ranks(std::vector<Rank<Real>>& ranks) {
  const auto& moments_row = find_kernels(kernels<Real>(), "batch_moments");
  const auto& merge_row = find_kernels(kernels<Real>(), "batch_norm_merge");
  std::vector<Real> gathered, summed(ranks.size() * 3 * kChannels, Real(0));
  for (auto& rank : ranks) {
    rank.moments.run(moments_row, Pass::forward);
    gathered.insert(gathered.end(), rank.moments.output.begin(), rank.moments.output.end());
  }
  for (auto& rank : ranks) {
    std::ranges::copy(gathered, rank.merge.inputs[1].begin());
    rank.merge.run_all(merge_row);
    for (std::size_t at = 0; at < summed.size(); ++at) summed[at] += rank.merge.input_gradients[1][at];
  }
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    auto& moments = ranks[i].moments;
    std::copy_n(summed.begin() + static_cast<std::ptrdiff_t>(i * 3 * kChannels), 3 * kChannels, moments.output_gradient.begin());
    std::ranges::copy(ranks[i].merge.input_gradients[0], moments.input_gradients[0].begin());
    moments.accumulate = true;
    moments.run(moments_row, Pass::input_gradient);
  }
}

/// Outputs, gradients of x, and summed gradients of the parameters against those of the undivided layer.
template <class Real>
double largest_distance(const KernelCase<double>& whole, const std::vector<Rank<Real>>& ranks) {
  Tensor<Real> output(kSamples * kChannels * kHeight * kWidth), gradient(kSamples * kChannels * kHeight * kWidth);
  std::vector<Tensor<Real>> parameters;
  for (std::size_t i = 0; i < 2; ++i) std::ranges::fill(parameters.emplace_back(kChannels), Real(0));
  for (const auto& rank : ranks) {
    for_each_value(rank.rows, [&](std::size_t to, std::size_t from) {
      output[to] = rank.merge.output[from];
      gradient[to] = rank.moments.input_gradients[0][from];
    });
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t at = 0; at < kChannels; ++at) parameters[i][at] += rank.merge.parameter_gradients[i][at];
    }
  }
  return std::max({distance(output, whole.output), distance(gradient, whole.input_gradients[0]),
                   distance(parameters[0], whole.parameter_gradients[0]),
                   distance(parameters[1], whole.parameter_gradients[1])});
}

template <class Real>
double distance_by_parts(const std::vector<std::int64_t>& bounds) {
  const KernelCase<Real> given(norm_scene());
  KernelCase<double> whole(norm_scene());
  whole.run_all(find_kernels(reference_kernels<double>(), "batch_norm"));
  std::vector<Rank<Real>> ranks;
  const auto parts = static_cast<std::int64_t>(bounds.size()) - 1;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) ranks.emplace_back(given, Rows{bounds[i], bounds[i + 1]}, parts);
  run_ranks(ranks);
  return largest_distance(whole, ranks);
}

const std::vector<std::vector<std::int64_t>> kDivisions{{0, 6}, {0, 3, 6}, {0, 2, 4, 6}, {0, 1, 6}, {0, 3, 4, 6}};

}  // namespace

TEST_CASE("merged moments of one, two or three parts normalise as a batch norm over the whole does") {
  for (const auto& bounds : kDivisions) CHECK(distance_by_parts<double>(bounds) < 1e-13);
}

TEST_CASE("the fast halves of a synchronised batch norm agree with the undivided one") {
  for (const auto& bounds : kDivisions) CHECK(distance_by_parts<float>(bounds) < 1e-5);
}

TEST_CASE("values far from zero keep their variance when moments are merged") {
  // two parts of values 10000 + {0, 1} and 10000 + {2, 3}: mean 10001.5, squared deviations 2.25 + 0.25 + 0.25 + 2.25
  KernelCase<float> merge({"batch_norm_merge",
                           {{"epsilon", 0}},
                           {real_tensor({1, 2}), {.dims = {2, 3, 1}, .per_sample = false}},
                           1});
  merge.inputs[0].set({10000, 10001});
  merge.inputs[1].set({10000.5F, 0.5F, 2, 10002.5F, 0.5F, 2});
  merge.parameters[0].set({1});
  merge.parameters[1].set({0});

  merge.run(find_kernels(fast_kernels(), "batch_norm_merge"), Pass::forward);

  CHECK(merge.extra[0][0] == 10001.5F);
  CHECK(merge.extra[0][1] == Approx(0.894427).epsilon(1e-5));  // 1 / sqrt(5 / 4)
  CHECK(merge.output[0] == Approx(-1.341641).epsilon(1e-5));   // -1.5 / sqrt(1.25)
}

}  // namespace tandem

#include "models/layers/convolution_algorithm.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "models/layers/winograd.hpp"

namespace tandem {

namespace {

constexpr std::array kAlgorithms{
    ConvolutionAlgorithm{"panels", "conv2d", "matrix products over a few windows at a time, laid out as columns",
                         [](const Attributes&) { return true; }},
    ConvolutionAlgorithm{"winograd", "conv2d_winograd",
                         "F(2x2, 3x3): 2.25 times fewer multiplications, all tiles transformed at once",
                         [](const Attributes& attributes) { return Winograd::suits(Windows(attributes)); }},
};

}  // namespace

std::span<const ConvolutionAlgorithm> convolution_algorithms() { return kAlgorithms; }

const ConvolutionAlgorithm& find_convolution_algorithm(std::string_view name) {
  const auto row = std::ranges::find(kAlgorithms, name, &ConvolutionAlgorithm::name);
  if (row != kAlgorithms.end()) return *row;
  std::vector<std::string> names;
  for (const ConvolutionAlgorithm& algorithm : kAlgorithms) names.emplace_back(algorithm.name);
  throw QuantityError{0, "no such algorithm of convolutions" + did_you_mean(name, names),
                      fmt::format("{}", fmt::join(names, " or "))};
}

bool is_convolution(const LayerKind& kind) {
  return std::ranges::find(kAlgorithms, kind.name, &ConvolutionAlgorithm::kind) != kAlgorithms.end();
}

}  // namespace tandem

#include "models/image_patterns.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/random.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kFrequencies = 4;
constexpr float kBrightnessDeviation = 0.5F;

/// Cosine and sine of a wave at each of `size` places, a value for each.
struct Wave {
  Wave(std::int64_t size, double periods, double phase) {
    for (std::int64_t at = 0; at < size; ++at) {
      const double angle = 2 * std::numbers::pi * (periods * static_cast<double>(at) / static_cast<double>(size) + phase);
      cosine.push_back(static_cast<float>(std::cos(angle)));
      sine.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  std::vector<float> cosine, sine;
};

}  // namespace

ImagePatterns::ImagePatterns(std::uint64_t seed, const std::string& name, const TensorSpec& image)
    : seed_(seed),
      phases_(stream_of(fmt::format("phases {}", name))),
      brightness_(stream_of(fmt::format("brightness {}", name))),
      channels_(image.dims[0]),
      height_(image.dims[1]),
      width_(image.dims[2]) {}

void ImagePatterns::add(std::int64_t class_number, std::span<float> image) const {
  invariant(static_cast<std::int64_t>(image.size()) == channels_ * height_ * width_, "a pattern fits its image");
  const auto down = static_cast<double>(class_number % kFrequencies);
  const auto right = static_cast<double>(class_number / kFrequencies % kFrequencies + 1);
  const Wave columns(width_, right, 0);
  float* value = image.data();
  for (std::int64_t channel = 0; channel < channels_; ++channel) {
    const auto key = static_cast<std::uint64_t>(class_number * channels_ + channel);
    const Wave rows(height_, down, static_cast<double>(below_at(seed_, phases_, key, 1024)) / 1024);
    const float brightness = kBrightnessDeviation * normal_at(seed_, brightness_, key);
    for (std::size_t row = 0; row < rows.cosine.size(); ++row) {
      for (std::size_t column = 0; column < columns.cosine.size(); ++column, ++value) {
        // the cosine of the sum of both angles
        *value += rows.cosine[row] * columns.cosine[column] - rows.sine[row] * columns.sine[column] + brightness;
      }
    }
  }
}

}  // namespace tandem

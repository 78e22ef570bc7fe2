#pragma once
// What a synthetic classification is to learn: a pattern for each class of images.

#include <cstdint>
#include <span>
#include <string>

#include "models/layer.hpp"

namespace tandem {

/// Class k shows in each channel a wave of k's own frequencies, with a phase and a brightness drawn for class and channel.
class ImagePatterns {
 public:
  ImagePatterns() = default;  ///< of a model without images
  /// `image`: [channels, height, width]; `name` and `seed` key what is drawn.
  ImagePatterns(std::uint64_t seed, const std::string& name, const TensorSpec& image);

  /// Adds the pattern of the class to an image, row-major. The waves' amplitude is 1, the brightness' deviation one half.
  void add(std::int64_t class_number, std::span<float> image) const;

 private:
  std::uint64_t seed_ = 0, phases_ = 0, brightness_ = 0;
  std::int64_t channels_ = 0, height_ = 0, width_ = 0;
};

}  // namespace tandem

#pragma once
// Training data that needs no download: the bytes of a text, a seeded synthetic regression, or seeded images in classes.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/image_patterns.hpp"
#include "models/model.hpp"
#include "models/teacher.hpp"

namespace tandem {

/// Fills the data sources of a model. The sample at (seed, iteration, sample) is the same under every partition.
class Dataset {
 public:
  /// Text for models whose sources are tokens: sample = `sequence` consecutive bytes starting at a seeded position, the
  /// targets are the bytes one further on. Throws InputError when `text` is shorter than sequence + 1.
  /// Models whose sources are real-valued get the synthetic regression: inputs are standard normal, targets come from
  /// a fixed random two-layer network (for one output: a linear function) plus noise of deviation 0.1. `text` is unused.
  /// Where the target is a class, it is drawn at random, and an image is the class's pattern plus standard normal noise.
  /// Throws InputError where the model predicts fewer classes than there are.
  /// Keeps a pointer to `model`, which must outlive it.
  Dataset(const Model& model, std::string text, std::uint64_t seed);

  /// Writes source layer `source`'s tensor for the samples [first, first + count) of `iteration` to `out`:
  /// count x elements_per_sample values, row-major; tokens as int32. Thread-safe. Samples are numbered below 2^32.
  void fill(LayerId source, std::int64_t iteration, std::int64_t first, std::int64_t count, void* out) const;

 private:
  const Model* model_;
  void check_text() const;
  void check_classes(const Layer& targets) const;
  Teacher make_teacher(const Layer& targets) const;
  void fill_tokens(std::int64_t start, std::span<std::int32_t> out) const;
  void fill_inputs(LayerId source, std::int64_t iteration, std::int64_t sample, std::span<float> out) const;
  void fill_targets(LayerId source, std::int64_t iteration, std::int64_t sample, std::span<float> out) const;
  std::int32_t class_of(LayerId source, std::int64_t iteration, std::int64_t sample) const;
  std::int64_t text_start(std::int64_t iteration, std::int64_t sample) const;

  std::string text_;
  std::uint64_t seed_;
  std::int64_t longest_sequence_ = 0;
  std::optional<LayerId> taught_input_;  ///< the source whose values the teacher sees
  std::optional<LayerId> classes_;       ///< the source of the classes that images show
  std::vector<ImagePatterns> patterns_;  ///< by layer id; used for images in classes only
  std::vector<Teacher> teachers_;        ///< by layer id; used for real-valued targets only
};

/// Initial value `index` of a parameter under `seed`: keyed by the parameter's name, so the same under every partition.
/// A tied parameter takes its owner's values.
float initial_value(const Model& model, ParameterId id, std::uint64_t seed, std::int64_t index);

}  // namespace tandem

#pragma once
// Training data that needs no download: the bytes of a text, or a seeded synthetic regression.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "models/model.hpp"

namespace tandem {

/// Fills the data sources of a model. The sample at (seed, iteration, sample) is the same under every partition.
class Dataset {
 public:
  /// Text for models whose sources are tokens: sample = `sequence` consecutive bytes starting at a seeded position, the
  /// targets are the bytes one further on. Throws InputError when `text` is shorter than sequence + 1.
  /// Models whose sources are real-valued get the synthetic regression: inputs are standard normal, targets come from
  /// a fixed random two-layer network (for one output: a linear function) plus noise of deviation 0.1. `text` is unused.
  Dataset(const Model& model, std::string text, std::uint64_t seed);

  /// Writes source layer `source`'s tensor for the samples [first, first + count) of `iteration` to `out`:
  /// count x elements_per_sample values, row-major; tokens as int32. Thread-safe.
  void fill(LayerId source, std::int64_t iteration, std::int64_t first, std::int64_t count, void* out) const;

 private:
  const Model* model_;
  std::string text_;
  std::uint64_t seed_;
};

/// Initial value `index` of a parameter under `seed`: keyed by the parameter's name, so the same under every partition.
/// A tied parameter takes its owner's values.
float initial_value(const Model& model, ParameterId id, std::uint64_t seed, std::int64_t index);

}  // namespace tandem

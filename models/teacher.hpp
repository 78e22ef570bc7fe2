#pragma once
// What a synthetic regression is to learn: a fixed random network.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tandem {

/// A two-layer network with tanh between; for one output a linear function. For standard normal inputs the linear
/// function's variance, and that of what tanh sees, is about 1.
class Teacher {
 public:
  Teacher() = default;  ///< of a layer that is taught nothing
  Teacher(std::uint64_t seed, const std::string& name, std::int64_t inputs, std::int64_t outputs);

  std::vector<double> answer(std::span<const float> inputs) const;

 private:
  std::int64_t first_outputs() const { return hidden_ == 0 ? outputs_ : hidden_; }

  std::int64_t outputs_ = 0;
  std::int64_t hidden_ = 0;     ///< 0: linear
  std::vector<double> first_;   ///< a row per output, row-major
  std::vector<double> second_;
};

}  // namespace tandem

#pragma once
// One micro-batch through a whole model in double: once forward, once backward, with the reference kernels.

#include <cstdint>
#include <memory>
#include <vector>

#include "exec/aligned_values.hpp"
#include "exec/kernel.hpp"
#include "models/dataset.hpp"
#include "models/model.hpp"

namespace tandem {

/// Every tensor has its own memory and every gradient starts from zero and is added to: nothing is shared or reused, so
/// that there is nothing to get wrong. Keeps a reference to the model.
class ModelWalk {
 public:
  using Values = AlignedValues<double>;

  ModelWalk(const Model& model, std::int64_t batch);

  /// By ParameterId; empty for a tied use, which reads and adds to its owner's.
  std::vector<Values> weights, gradients;
  /// By ParameterId, tied uses too: what a layer reads instead of `weights`; empty: the weights.
  std::vector<const double*> read_instead;
  /// By LayerId, where decisions of kinks are to be turned (Turn): the margin, over the largest value that the layer reads.
  std::vector<double> margins;
  std::int64_t turned = 0;  ///< decisions, so far

  void start_weights(std::uint64_t seed);
  void zero_gradients();
  /// Takes the samples [first, first + batch) of `iteration` into the data sources.
  void load(const Dataset& dataset, std::int64_t iteration, std::int64_t first);
  /// The loss of what was loaded.
  double forward();
  /// Adds seed * d(loss)/d(weight) to the gradients, for what forward() saw last.
  void backward(double seed);

 private:
  struct Tensors {
    Values output, output_gradient;
    AlignedValues<std::int32_t> tokens;  ///< the output of a source of int32
    std::vector<Values> extra;
  };
  struct Call;

  const void* value_of(LayerId id) const;
  bool wants_gradient(LayerId id) const;
  std::size_t owner_of(ParameterId id) const;
  const double* weight_of(ParameterId id) const;
  void run(LayerId id, Pass pass, double seed);
  double margin_of(LayerId id) const;

  const Model& model_;
  std::int64_t batch_;
  std::uint64_t seed_ = 0;                             ///< of random masks
  std::int64_t iteration_ = 0, first_sample_ = 0;      ///< of what was loaded
  std::vector<Tensors> tensors_;  ///< by LayerId
};

}  // namespace tandem

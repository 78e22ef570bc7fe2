#pragma once
// One layer with random tensors in memory of its own, to call single kernels of the table on.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "exec/kernel.hpp"
#include "models/layer.hpp"

namespace tandem {

/// What a layer computes on: its kind, attributes, input shapes and samples.
struct Scene {
  std::string kind;
  std::vector<Attributes::Value> attributes;
  std::vector<TensorSpec> inputs;
  std::int64_t batch = 1;

  std::string name() const;
};

/// Scenes of every kind that has kernels, odd sizes and single values among them.
std::vector<Scene> all_scenes();
/// Those of convolutions, pools and batch norms, which all_scenes() holds too.
std::vector<Scene> vision_scenes();
/// Those of the kinds that language models and transformers over images add.
std::vector<Scene> language_scenes();
/// The first scene of the kind.
Scene scene_of(const std::string& kind);

TensorSpec real_tensor(std::vector<std::int64_t> dims);
TensorSpec token_tensor(std::vector<std::int64_t> dims);

/// `count` values at a multiple of 64 bytes, NaN at first, with a fence behind them that a kernel must not touch.
template <class Value>
class Tensor {
 public:
  explicit Tensor(std::int64_t count);
  Value* data() { return values_.get(); }
  const Value* data() const { return values_.get(); }
  std::size_t size() const { return size_; }
  Value& operator[](std::size_t at) { return values_[at]; }
  const Value& operator[](std::size_t at) const { return values_[at]; }
  Value* begin() { return data(); }
  Value* end() { return data() + size_; }
  const Value* begin() const { return data(); }
  const Value* end() const { return data() + size_; }
  void set(std::initializer_list<Value> values);
  bool fence_stands() const;

 private:
  struct Free {
    void operator()(Value* values) const { ::operator delete[](values, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<Value[], Free> values_;
};

/// Values are drawn in float from `seed`, so that float and double cases of one scene hold equal numbers.
template <class Real>
class KernelCase {
 public:
  explicit KernelCase(Scene scene, std::uint64_t seed = 1);

  /// Runs the pass with `row`'s kernel. I and W see only what the kind keeps; the rest is null. Before F of a loss of
  /// statistics, these are computed from its scores.
  void run(const KernelRow<Real>& row, Pass pass);
  /// All passes of the kind: F, then I where a float comes in, then W where there are parameters.
  void run_all(const KernelRow<Real>& row);
  bool has_pass(Pass pass) const;
  bool fences_stand() const;
  /// Everything that kernels have written: output, extra, input gradients, parameter gradients.
  std::vector<const Tensor<Real>*> results() const;

  Scene scene;
  Attributes attributes;
  const LayerKind& kind;
  TensorSpec output_spec;
  Kept kept;
  std::vector<Tensor<Real>> inputs;  ///< by input; empty where it holds tokens
  std::vector<Tensor<std::int32_t>> tokens;
  std::vector<Tensor<Real>> parameters;
  Tensor<Real> output;
  std::vector<Tensor<Real>> extra;
  Tensor<Real> output_gradient;
  std::vector<Tensor<Real>> input_gradients;
  std::vector<Tensor<Real>> parameter_gradients;  ///< zero at first
  bool accumulate = false;
  Real seed_of_loss = Real(0.5);
  std::optional<Origins> origins;  ///< where the layer is a rank's part
  std::optional<OutputRectangle> rectangle{};  ///< of F, where its kernel takes one
  std::uint64_t layer_key = 12;
  std::int64_t iteration = 0, first_sample = 0;

 private:
  const void* input_pointer(std::size_t index) const;
  std::int64_t scratch_bytes(Pass pass) const;
  void hold_statistics();
  std::size_t inputs_with_gradient() const;

  Tensor<std::byte> scratch_;  ///< enough for the pass that wants most
};

/// max |a - b| / max |b|; 0 where both are zero, infinite where one is not a number.
template <class First, class Second>
double distance(const Tensor<First>& a, const Tensor<Second>& b);

}  // namespace tandem

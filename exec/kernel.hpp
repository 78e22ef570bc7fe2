#pragma once
// Kernels as a table: one row per layer kind, a function per pass, in a fast version and an obvious reference.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/layer.hpp"
#include "plan/output_rectangle.hpp"

namespace tandem {

/// Everything that one pass of one layer touches; what the pass does not use is null. Scalars are `Real`; int32 tensors
/// stay int32. Tensors are dense, row-major, batch first, 64-byte aligned, and never overlap.
template <class Real>
struct KernelArguments {
  const Attributes* attributes = nullptr;
  std::span<const TensorSpec> input_specs;
  const TensorSpec* output_spec = nullptr;
  std::int64_t batch = 0;
  const Origins* origins = nullptr;              ///< of a rank's part of the layer; null: the whole layer
  std::uint64_t seed_of_masks = 0;               ///< of random masks (dropout): key them by this, the layer, iteration,
  std::uint64_t layer_key = 0;                   ///< ... the layer's own key, equal under every partition,
  std::int64_t iteration = 0, first_sample = 0;  ///< ... and the sample's number in the global batch

  std::span<const void* const> inputs;           ///< F: all; I and W: those that the kind keeps
  std::span<const Real* const> parameters;
  Real* output = nullptr;                        ///< F: written; I and W: read where kept
  std::span<Real* const> extra;                  ///< F: written; I and W: read
  void* scratch = nullptr;                       ///< LayerKind::scratch bytes
  std::optional<OutputRectangle> rectangle{};    ///< F of sliding windows and of halo joins: only this; none: all

  const Real* output_gradient = nullptr;         ///< null for a loss
  Real seed = 1;                                 ///< a loss's own gradient: 1 / micro-batches
  std::span<Real* const> input_gradients;        ///< I: null where none is due
  std::span<const bool> accumulate;              ///< I, per input: add instead of write
  std::span<Real* const> parameter_gradients;    ///< W: always added to
};

template <class Real>
using Kernel = void (*)(const KernelArguments<Real>&);

/// Of a kind whose derivative jumps: turns each decision of F (is the value positive? which is the largest?) that a change of
/// the inputs by `margin` would turn, by changing what F wrote by no more than that. Returns how many it turned.
template <class Real>
using Turn = std::int64_t (*)(const KernelArguments<Real>&, Real margin);

/// Null where the kind has no such pass. Sources of data have no kernels: a Dataset fills them.
template <class Real>
struct KernelRow {
  std::string_view kind;  ///< LayerKind::name
  Kernel<Real> forward = nullptr;
  Kernel<Real> input_gradient = nullptr;
  Kernel<Real> weight_gradient = nullptr;
  Turn<Real> turn = nullptr;  ///< of reference kernels alone

  Kernel<Real> of(Pass pass) const;
};

/// The fast kernels that workers run, sorted by kind.
std::span<const KernelRow<float>> fast_kernels();
/// Plain loops, the definition of what each layer means; in float to test the fast ones, in double as the yardstick.
template <class Real>
std::span<const KernelRow<Real>> reference_kernels();

template <class Real>
const KernelRow<Real>& find_kernels(std::span<const KernelRow<Real>> rows, std::string_view kind);

}  // namespace tandem

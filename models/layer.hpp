#pragma once
// What a layer kind is: one row that knows its parameters, its output, its work and what backward needs of it.
//
// A kind is one file under models/layers/ and one row of models/layers/table.cpp. Nothing else switches on the kind.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/units.hpp"
#include "models/element_type.hpp"
#include "models/layout.hpp"

namespace tandem {

enum class LayerId : std::uint32_t {};

/// Shape of a tensor for ONE sample; a batch of `b` samples stacks `b` of them along a new first dimension.
struct TensorSpec {
  std::vector<std::int64_t> dims;  ///< without the batch dimension; empty: one value
  ElementType type = ElementType::float32;
  bool per_sample = true;  ///< false: one tensor per micro-batch whatever its size (a loss)
  bool statistic = false;  ///< stays float32 however a plan stores values: moments, norms' statistics, losses

  bool operator==(const TensorSpec&) const = default;
  /// This and every count below throw InputError beyond 2^53 elements.
  std::int64_t elements_per_sample() const;
  std::int64_t elements(std::int64_t batch) const;
  Bytes bytes(std::int64_t batch) const { return bytes_of(type) * elements(batch); }
  std::int64_t rows(std::int64_t batch) const;  ///< all dimensions but the last, batch included
  std::int64_t columns() const;                 ///< the last dimension
};

/// The same tensor where real values are stored as `real`; statistics and what is not real stay as they are.
TensorSpec stored_as(TensorSpec spec, ElementType real);

/// "64x128"; "1" for a single value.
std::string shape_text(std::span<const std::int64_t> dims);
/// Product of the dimensions; 1 for none. Throws InputError beyond 2^53.
std::int64_t element_count(std::span<const std::int64_t> dims);

/// Named numbers of a layer ("features", "heads", "epsilon"), in the order of the kind's attribute list.
struct Attributes {
  struct Value {
    std::string name;
    double value;
  };
  std::vector<Value> values;

  double number(std::string_view name) const;        ///< the kind declares it, so it is there
  std::int64_t integer(std::string_view name) const;
};

struct AttributeSpec {
  std::string_view name;
  std::optional<double> fallback;  ///< absent: the attribute is required
  double low, high;
  std::string_view meaning;
  bool whole = true;          ///< refuses fractions
  bool in_signature = false;  ///< changes a kernel's work without changing a shape
};

enum class Initial : std::uint8_t { zeros, ones, normal };

struct ParameterSpec {
  std::string name;  ///< within the layer: "weight", "bias"
  std::vector<std::int64_t> dims;
  Initial initial = Initial::normal;
  double deviation = 0.02;  ///< standard deviation of Initial::normal
  ElementType type = ElementType::float32;  ///< of the weight that kernels read, and of its gradient

  std::int64_t elements() const { return element_count(dims); }
  Bytes bytes() const { return bytes_of(type) * elements(); }
};

/// F, I and W: forward, gradient of the inputs, gradient of the parameters.
enum class Pass : std::uint8_t { forward, input_gradient, weight_gradient };
std::string_view letter_of(Pass pass);  ///< "F", "I", "W"

/// `count` matrix products of (m x k) by (k x n).
struct Product {
  std::int64_t m, n, k, count;
  Flops flops() const { return Flops{2} * m * n * k * count; }
};

/// The work of one pass of one layer over one micro-batch. FLOPs count a multiply-add as two.
struct Work {
  std::vector<Product> products{};
  std::int64_t elementwise = 0;      ///< cheap arithmetic operations outside products
  std::int64_t transcendentals = 0;  ///< exp, tanh, log, sqrt evaluations
  Bytes read{};                      ///< bytes read once from memory if nothing is cached
  Bytes written{};
  ElementType type = ElementType::float32;  ///< of the values that products multiply

  Flops flops() const;  ///< products + elementwise + transcendentals
};

/// What backward needs of forward, so what must be kept between them.
struct Kept {
  std::vector<bool> inputs;        ///< per input: is it read by I or W?
  bool for_weights = false;        ///< of the inputs: W alone reads them, I none
  bool output = false;             ///< is the layer's own output read by I or W?
  std::vector<TensorSpec> extra{};  ///< further results of F kept for I and W (normalisation statistics, probabilities)

  bool reads_input(std::size_t input, Pass pass) const {
    return inputs[input] && !(for_weights && pass == Pass::input_gradient);
  }
};

struct LayerContext {
  const Attributes& attributes;
  std::span<const TensorSpec> inputs;
  const TensorSpec& output;
  std::int64_t batch;  ///< samples in the micro-batch

  /// How the layer's real values are stored: those that it reads or writes, and so its parameters.
  ElementType stored() const;
  /// Of a tensor that the kind describes, as it is stored.
  Bytes bytes(const TensorSpec& spec) const { return stored_as(spec, stored()).bytes(batch); }
  /// Of `count` values of parameters.
  Bytes weights(std::int64_t count) const { return bytes_of(stored()) * count; }
};
ElementType stored_type(std::span<const TensorSpec> inputs, const TensorSpec& output);

struct LayerKind {
  std::string_view name;
  std::string_view meaning;  ///< one line for `tandem show layers`
  std::span<const AttributeSpec> attributes;
  std::size_t inputs;  ///< how many tensors it reads; 0 for a source of data
  bool is_loss = false;
  bool is_target = false;  ///< a source that holds what the loss compares with
  bool is_constant = false;  ///< no gradient flows through it, though its inputs may need one (statistics of logits)
  /// Its derivative jumps where rounding turns a decision: what share of its gradient's squared norm is then wrong, for each
  /// unit of relative error of its inputs (tools/numbers_tolerance.cpp derives them). 0: it is smooth.
  double kink = 0;
  bool mixes_samples = false;  ///< a sample's result depends on the others of its micro-batch (batch statistics)
  /// Throws InputError (without position) when the inputs' shapes do not suit.
  TensorSpec (*output)(const Attributes&, std::span<const TensorSpec> inputs);
  std::vector<ParameterSpec> (*parameters)(const Attributes&, std::span<const TensorSpec> inputs);
  Kept (*kept)(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec& output);
  Work (*work)(const LayerContext&, Pass);  ///< asked through work_of()
  /// Bytes that the kernel of this pass needs beside its tensors; absent: none.
  Bytes (*scratch)(const LayerContext&, Pass) = nullptr;
  /// Ways to divide the work along a mesh axis, beside repeating it and splitting the samples, which every kind allows
  /// (mixes_samples: as an approximation). The first one that fits the inputs' layouts is the default; absent: none.
  std::vector<LayoutRule> (*rules)(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec& output) = nullptr;
};

/// The pass's work, with the type of its values.
Work work_of(const LayerKind& kind, const LayerContext& context, Pass pass);

/// All kinds, sorted by name.
std::span<const LayerKind> layer_kinds();
/// Throws InputError with a "did you mean".
const LayerKind& find_layer_kind(std::string_view name);

}  // namespace tandem

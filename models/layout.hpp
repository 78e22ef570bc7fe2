#pragma once
// Layouts: how a tensor lies along one axis of a mesh, and under which of them a layer kind computes its part.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// Along one mesh axis every rank holds all of a tensor, its own part of one dimension, or a summand of it.
struct AxisLayout {
  enum class Form : std::uint8_t { replicated, split, partial };
  Form form = Form::replicated;
  std::int8_t dimension = 0;  ///< of TensorSpec::dims or ParameterSpec::dims, or kSamples
  std::uint8_t blocks = 1;    ///< the dimension is so many equal blocks, each split (q, k and v side by side: 3)

  bool operator==(const AxisLayout&) const = default;
};
inline constexpr std::int8_t kSamples = -1;  ///< the dimension of the batch, before TensorSpec::dims
inline constexpr AxisLayout kReplicated{};
inline constexpr AxisLayout kPartial{AxisLayout::Form::partial, 0, 1};
constexpr AxisLayout split(std::int8_t dimension, std::uint8_t blocks = 1) {
  return {AxisLayout::Form::split, dimension, blocks};
}

/// A window that slides over one dimension, so that a part needs rows of its neighbours (a halo). The names are those
/// of the layer's attributes; each rank's own values of the paddings replace the whole layer's.
struct SlidingWindow {
  std::string_view kernel, stride, dilation, padding_before, padding_after;
};

/// One way to divide a layer's work along one axis. What is not said here follows: a gradient of an input is partial
/// where the input is replicated and the output is not; a parameter's is partial where the parameter is replicated and
/// the output split.
struct LayoutRule {
  std::string_view name;               ///< "columns"
  std::vector<AxisLayout> inputs;      ///< one per input
  AxisLayout output;
  std::vector<AxisLayout> parameters;  ///< one per parameter; never partial
  /// Attributes that count what is split, so that a rank's own value is the length of its part: "features", "heads".
  std::vector<std::string_view> local_sizes{};
  std::optional<SlidingWindow> window{};  ///< over the dimension in which the output is split
  bool approximate = false;            ///< computes something else than the undivided layer (statistics of its part)
};

/// Where a rank's own tensors begin in the whole ones, by dimension of their specs; empty: at zero in each.
struct Origins {
  std::vector<std::vector<std::int64_t>> inputs, parameters;
  std::vector<std::int64_t> output, whole_output;  ///< whole_output: the whole's dims; empty: as the spec's
  std::int64_t sample_parts = 1, sample_part = 0;  ///< the layer works on one of so many equal parts of a micro-batch
  std::int64_t loss_parts = 1, loss_part = 0;  ///< a loss is a mean over one of so many equal parts of it
};

}  // namespace tandem

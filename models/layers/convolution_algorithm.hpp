#pragma once
// The algorithms of a 2-d convolution, which trade memory for time.
//
// Each is a layer kind with conv2d's attributes, parameters and meaning, and with work, scratch and kernels of its own. Model
// files say conv2d; a plan says by which algorithm.

#include <span>
#include <string>
#include <string_view>

#include "models/layer.hpp"

namespace tandem {

struct ConvolutionAlgorithm {
  std::string_view name;     ///< in plans
  std::string_view kind;     ///< the LayerKind that computes so
  std::string_view meaning;
  bool (*suits)(const Attributes&);  ///< can it compute a layer with these attributes of conv2d?
};

/// The first one is what a plan that names none takes. It suits every convolution, and needs the least scratch.
std::span<const ConvolutionAlgorithm> convolution_algorithms();
/// Throws QuantityError with a "did you mean".
const ConvolutionAlgorithm& find_convolution_algorithm(std::string_view name);

/// conv2d, by whatever algorithm.
bool is_convolution(const LayerKind& kind);

LayerKind conv2d_kind();
LayerKind conv2d_winograd_kind();

}  // namespace tandem

#pragma once
// Which algorithm computes each convolution of a plan.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/layers/convolution_algorithm.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"

namespace tandem {

/// The keys `convolution_algorithm` and `convolutions` of a plan file. Throws InputError with the place.
void read_convolutions(const YamlNode& root, Plan& plan);

/// "conv1_1=winograd,conv1_2=panels" as layers and algorithms, whose names are known. Throws QuantityError.
std::vector<std::pair<std::string, std::string>> parse_convolutions(std::string_view text);

/// Of a layer of conv2d. Throws InputError where the plan names one that does not suit it.
const ConvolutionAlgorithm& convolution_algorithm(const Plan& plan, const Layer& layer);

/// Throws InputError where the plan names a layer that is no convolution of the model, or one twice.
void require_known_convolutions(const Plan& plan, const Model& model);

}  // namespace tandem

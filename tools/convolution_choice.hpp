#pragma once
// Which algorithms of a job's convolutions are predicted to be faster than the one that needs the least memory.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "tools/job.hpp"

namespace tandem {

/// Layer name -> name of its algorithm, as in a plan.
using ConvolutionChoice = std::vector<std::pair<std::string, std::string>>;

/// A convolution with algorithms that beat the first one.
struct FasterAlgorithms {
  std::string layer;
  std::vector<std::string_view> algorithms;  ///< fastest first
  Seconds saved;                             ///< by the fastest, of F, I and W of one micro-batch
};

/// Of a lowered job's convolutions, those that save most first. Each algorithm is priced by itself on the device of the first
/// worker that has the layer; by the roofline, unless all of its algorithms were measured there.
std::vector<FasterAlgorithms> faster_algorithms(const Job& job, const Program& program, const CostModel& costs);

/// Each by its fastest, performance-optimal in vDNN's terms; in the order of the model.
ConvolutionChoice fastest(const Model& model, const std::vector<FasterAlgorithms>& layers);
void sort_by_model(const Model& model, ConvolutionChoice& choice);

/// "winograd 9, panels 4": how many of the model's convolutions have which algorithm; "" without convolutions.
std::string choice_text(const Job& job, const ConvolutionChoice& choice);

}  // namespace tandem

#pragma once
// Which segment a position belongs to.

#include <cstdint>

#include "exec/kernels/arguments.hpp"

namespace tandem {

/// Of row `row` of a sample's rows that are here: the whole sequence is cut into equal runs.
template <class Real>
std::int64_t segment_of(const KernelArguments<Real>& arguments, std::int64_t row) {
  auto sequence = arguments.output_spec->dims[0];
  if (arguments.origins != nullptr) {
    row += origin(arguments.origins->output, 0);
    if (!arguments.origins->whole_output.empty()) sequence = arguments.origins->whole_output[0];
  }
  return row * arguments.attributes->integer("segments") / sequence;
}

}  // namespace tandem

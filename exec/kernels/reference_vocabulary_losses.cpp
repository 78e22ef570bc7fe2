// vocabulary_statistics and cross_entropy_from_statistics, reference.

#include "exec/kernels/vocabulary_part.hpp"

namespace tandem {

namespace {

template <class Real>
void write_statistics(const Real* scores, std::int32_t target, const OwnRows& part, Real* numbers) {
  numbers[0] = *std::max_element(scores, scores + part.count);
  numbers[1] = numbers[2] = 0;
  for (std::int64_t at = 0; at < part.count; ++at) {
    numbers[1] += std::exp(scores[at] - numbers[0]);
    if (part.first + at == target) numbers[2] = scores[at];
  }
}

template <class Real>
void statistics_forward(const KernelArguments<Real>& arguments) {
  const auto own = own_columns(arguments);
  const auto targets = tokens_for(arguments, 1, own);
  const auto parts = arguments.output_spec->dims[0], rows = arguments.input_specs[1].elements_per_sample();
  for (std::int64_t row = 0; row < rows * arguments.batch; ++row) {
    const auto sample = row / rows;
    for (std::int64_t index = 0; index < parts; ++index) {
      const auto part = part_of(own, index, parts);
      write_statistics(real_input(arguments) + row * own.count + (part.first - own.first),
                       targets[static_cast<std::size_t>(row)], part,
                       arguments.output + ((sample * parts + index) * rows + row % rows) * 3);
    }
  }
}

template <class Real>
void loss_forward(const KernelArguments<Real>& arguments) {
  double total = 0;
  for_each_whole_row(arguments, [&](std::int64_t, const WholeRow& row) { total += row.loss(); });
  const auto tokens = arguments.input_specs[2].elements(arguments.batch);
  *arguments.output = static_cast<Real>(total / static_cast<double>(tokens));
}

template <class Real>
void loss_gradient(const KernelArguments<Real>& arguments) {
  const auto own = own_columns(arguments);
  const auto targets = tokens_for(arguments, 2, own);
  const Real factor = arguments.seed / static_cast<Real>(targets.size());
  for_each_whole_row(arguments, [&](std::int64_t index, const WholeRow& whole) {
    for (std::int64_t at = 0; at < own.count; ++at) {
      const double score = static_cast<double>(real_input(arguments)[index * own.count + at]);
      const auto probability = static_cast<Real>(std::exp(score - whole.largest) / whole.sum);
      const Real wanted = own.first + at == targets[static_cast<std::size_t>(index)] ? 1 : 0;
      put(first_gradient(arguments)[index * own.count + at], arguments.accumulate[0], factor * (probability - wanted));
    }
  });
}

}  // namespace

template <class Real>
KernelRow<Real> vocabulary_statistics_reference() {
  return {"vocabulary_statistics", statistics_forward<Real>, nullptr, nullptr};
}

template <class Real>
KernelRow<Real> cross_entropy_from_statistics_reference() {
  return {"cross_entropy_from_statistics", loss_forward<Real>, loss_gradient<Real>, nullptr};
}

template KernelRow<float> vocabulary_statistics_reference<float>();
template KernelRow<double> vocabulary_statistics_reference<double>();
template KernelRow<float> cross_entropy_from_statistics_reference<float>();
template KernelRow<double> cross_entropy_from_statistics_reference<double>();

}  // namespace tandem

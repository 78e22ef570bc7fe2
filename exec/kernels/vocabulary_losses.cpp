// vocabulary_statistics and cross_entropy_from_statistics, fast.

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/vocabulary_part.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

void write_statistics(const float* scores, std::int32_t target, const OwnRows& part, float* numbers) {
  const ConstRow row(scores, part.count);
  numbers[0] = row.maxCoeff();
  numbers[1] = (row - numbers[0]).exp().sum();
  numbers[2] = part.holds(target) ? scores[target - part.first] : 0.0F;
}

void statistics_forward(const Arguments& arguments) {
  const auto own = own_columns(arguments);
  const auto targets = tokens_for(arguments, 1, own);
  const auto parts = arguments.output_spec->dims[0], rows = arguments.input_specs[1].elements_per_sample();
  float* numbers = arguments.output;
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    for (std::int64_t index = 0; index < parts; ++index) {
      const auto part = part_of(own, index, parts);
      for (auto row = sample * rows; row < (sample + 1) * rows; ++row, numbers += 3) {
        write_statistics(real_input(arguments) + row * own.count + (part.first - own.first),
                         targets[static_cast<std::size_t>(row)], part, numbers);
      }
    }
  }
}

void loss_forward(const Arguments& arguments) {
  double total = 0;
  for_each_whole_row(arguments, [&](std::int64_t, const WholeRow& row) { total += row.loss(); });
  const auto tokens = arguments.input_specs[2].elements(arguments.batch);
  *arguments.output = static_cast<float>(total / static_cast<double>(tokens));
}

/// (softmax - 1 at the target) seed / tokens, for the columns that are here.
void loss_gradient(const Arguments& arguments) {
  const auto own = own_columns(arguments);
  const auto targets = tokens_for(arguments, 2, own);
  const float factor = arguments.seed / static_cast<float>(targets.size());
  for_each_whole_row(arguments, [&](std::int64_t index, const WholeRow& whole) {
    const auto largest = static_cast<float>(whole.largest), scale = factor / static_cast<float>(whole.sum);
    Row gradient(first_gradient(arguments) + index * own.count, own.count);
    const ConstRow scores(real_input(arguments) + index * own.count, own.count);
    store(gradient, arguments.accumulate[0], scale * (scores - largest).exp());
    const auto target = targets[static_cast<std::size_t>(index)];
    if (own.holds(target)) gradient[target - own.first] -= factor;
  });
}

}  // namespace

KernelRow<float> vocabulary_statistics_kernels() {
  return {"vocabulary_statistics", statistics_forward, nullptr, nullptr};
}

KernelRow<float> cross_entropy_from_statistics_kernels() {
  return {"cross_entropy_from_statistics", loss_forward, loss_gradient, nullptr};
}

}  // namespace tandem

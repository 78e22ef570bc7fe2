// dropout, fast: four random words at a time.

#include "exec/kernels/mask.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// Calls `body(place in the row, factor)` for each value of a row that begins at `first` of the whole tensor.
template <class Body>
void for_each_factor(const DropoutMask& mask, std::int64_t sample, std::int64_t first, std::int64_t columns,
                     float scale, Body body) {
  for (std::int64_t at = 0; at < columns;) {
    const auto words = mask.words(sample, (first + at) / 4);
    for (auto lane = static_cast<std::size_t>((first + at) % 4); lane < 4 && at < columns; ++lane, ++at) {
      body(at, mask.keeps(words[lane]) ? scale : 0.0F);
    }
  }
}

/// `keep`: of the values' fates, a byte each; null: none.
void apply(const Arguments& arguments, const float* from, bool accumulate, float* to, std::uint8_t* keep) {
  const DropoutMask mask(arguments, arguments.attributes->number("probability"));
  const PlacedRows rows(arguments);
  const auto scale = static_cast<float>(1 / (1 - arguments.attributes->number("probability")));
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      for_each_factor(mask, arguments.first_sample + sample, rows.whole_index(row), rows.columns(), scale,
                      [&](std::int64_t at, float factor) {
                        put(to[at], accumulate, from[at] * factor);
                        if (keep != nullptr) keep[at] = factor != 0;
                      });
      from += rows.columns();
      to += rows.columns();
      if (keep != nullptr) keep += rows.columns();
    }
  }
}

void forward(const Arguments& arguments) {
  apply(arguments, real_input(arguments), false, arguments.output, kept_mask(arguments));
}

void input_gradient(const Arguments& arguments) {
  if (const std::uint8_t* mask = kept_mask(arguments)) return apply_kept_mask(arguments, mask);
  apply(arguments, arguments.output_gradient, arguments.accumulate[0], first_gradient(arguments), nullptr);
}

}  // namespace

KernelRow<float> dropout_kernels() { return {"dropout", forward, input_gradient, nullptr}; }

}  // namespace tandem

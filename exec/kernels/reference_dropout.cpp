// dropout, reference: each value asks for its own random word.

#include "exec/kernels/mask.hpp"

namespace tandem {

namespace {

template <class Real>
void apply(const KernelArguments<Real>& arguments, const Real* from, bool accumulate, Real* to, std::uint8_t* keep) {
  const DropoutMask mask(arguments, arguments.attributes->number("probability"));
  const PlacedRows rows(arguments);
  const auto scale = static_cast<Real>(1 / (1 - arguments.attributes->number("probability")));
  const auto size = arguments.output_spec->elements_per_sample();
  for (std::int64_t at = 0; at < size * arguments.batch; ++at) {
    const auto sample = at / size, row = at % size / rows.columns(), column = at % rows.columns();
    const auto place = rows.whole_index(row) + column;
    const auto word = mask.words(arguments.first_sample + sample, place / 4)[static_cast<std::size_t>(place % 4)];
    put(to[at], accumulate, mask.keeps(word) ? from[at] * scale : from[at] * 0);
    if (keep != nullptr) keep[at] = mask.keeps(word);
  }
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  apply(arguments, real_input(arguments), false, arguments.output, kept_mask(arguments));
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  if (const std::uint8_t* mask = kept_mask(arguments)) return apply_kept_mask(arguments, mask);
  std::uint8_t* const none = nullptr;
  apply(arguments, arguments.output_gradient, arguments.accumulate[0], first_gradient(arguments), none);
}

}  // namespace

template <class Real>
KernelRow<Real> dropout_reference() {
  return {"dropout", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> dropout_reference<float>();
template KernelRow<double> dropout_reference<double>();

}  // namespace tandem

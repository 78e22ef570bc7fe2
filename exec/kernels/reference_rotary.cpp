// rotary, reference: each pair (i, i + d/2) of each head is turned by its angle; backward turns back.

#include "exec/kernels/rotation.hpp"

namespace tandem {

namespace {

template <class Real>
void turn(const KernelArguments<Real>& arguments, const Real* from, bool accumulate, int direction, Real* to) {
  const auto columns = arguments.output_spec->columns(), size = columns / arguments.attributes->integer("heads");
  const auto sequence = arguments.output_spec->dims[0];
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const auto pair = at % size;
    if (pair >= size / 2) continue;
    const auto position = first_position(arguments) + at / columns % sequence;
    const double angle = direction * static_cast<double>(position) * frequency_of(*arguments.attributes, pair, size);
    const auto cosine = static_cast<Real>(std::cos(angle)), sine = static_cast<Real>(std::sin(angle));
    const auto other = at + size / 2;
    put(to[at], accumulate, from[at] * cosine - from[other] * sine);
    put(to[other], accumulate, from[other] * cosine + from[at] * sine);
  }
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  turn(arguments, real_input(arguments), false, 1, arguments.output);
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  turn(arguments, arguments.output_gradient, arguments.accumulate[0], -1, first_gradient(arguments));
}

}  // namespace

template <class Real>
KernelRow<Real> rotary_reference() {
  return {"rotary", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> rotary_reference<float>();
template KernelRow<double> rotary_reference<double>();

}  // namespace tandem

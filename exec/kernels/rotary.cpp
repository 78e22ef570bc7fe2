// rotary, fast: cosines and sines once a call in scratch, [sequence, d/2] each; then rows of pairs.

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/rotation.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

struct Turns {
  float *cosines, *sines;
};

std::int64_t head_size(const Arguments& arguments) {
  return arguments.output_spec->columns() / arguments.attributes->integer("heads");
}

/// `direction` is -1 to turn back.
Turns write_turns(const Arguments& arguments, double direction) {
  invariant(arguments.scratch != nullptr, "rotary needs scratch for its angles");
  const auto size = head_size(arguments), half = size / 2, sequence = arguments.output_spec->dims[0];
  const Turns turns{static_cast<float*>(arguments.scratch), static_cast<float*>(arguments.scratch) + sequence * half};
  for (std::int64_t pair = 0; pair < half; ++pair) {
    const double frequency = frequency_of(*arguments.attributes, pair, size);
    for (std::int64_t row = 0; row < sequence; ++row) {
      const double angle = static_cast<double>(first_position(arguments) + row) * frequency;
      turns.cosines[row * half + pair] = static_cast<float>(std::cos(angle));
      turns.sines[row * half + pair] = static_cast<float>(direction * std::sin(angle));
    }
  }
  return turns;
}

void turn(const Arguments& arguments, const float* from, bool accumulate, double direction, float* to) {
  const auto [cosines, sines] = write_turns(arguments, direction);
  const auto size = head_size(arguments), half = size / 2, sequence = arguments.output_spec->dims[0];
  const auto heads = arguments.attributes->integer("heads");
  for (std::int64_t at = 0; at < arguments.batch * sequence * heads; ++at) {
    const auto angle = at / heads % sequence * half;
    const ConstRow cosine(cosines + angle, half), sine(sines + angle, half);
    const ConstRow first(from + at * size, half), second(from + at * size + half, half);
    Row first_result(to + at * size, half), second_result(to + at * size + half, half);
    store(first_result, accumulate, first * cosine - second * sine);
    store(second_result, accumulate, second * cosine + first * sine);
  }
}

void forward(const Arguments& arguments) { turn(arguments, real_input(arguments), false, 1, arguments.output); }

void input_gradient(const Arguments& arguments) {
  turn(arguments, arguments.output_gradient, arguments.accumulate[0], -1, first_gradient(arguments));
}

}  // namespace

KernelRow<float> rotary_kernels() { return {"rotary", forward, input_gradient, nullptr}; }

}  // namespace tandem

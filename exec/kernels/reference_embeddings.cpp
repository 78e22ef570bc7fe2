// token_embedding and position_embedding, reference: a row of the weight per token; x plus a row per position.

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/tokens.hpp"

namespace tandem {

namespace {

template <class Real>
void token_forward(const KernelArguments<Real>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  const auto rows = own_rows(arguments);
  Real* y = arguments.output;
  for (const auto token : tokens_for(arguments, 0, rows)) {
    const auto from = (token - rows.first) * hidden;
    for (std::int64_t at = 0; at < hidden; ++at) *y++ = rows.holds(token) ? arguments.parameters[0][from + at] : 0;
  }
}

template <class Real>
void token_weight_gradient(const KernelArguments<Real>& arguments) {
  const auto hidden = arguments.output_spec->columns();
  const auto rows = own_rows(arguments);
  const Real* dy = arguments.output_gradient;
  for (const auto token : tokens_for(arguments, 0, rows)) {
    const auto to = (token - rows.first) * hidden;
    for (std::int64_t at = 0; at < hidden; ++at, ++dy) {
      if (rows.holds(token)) arguments.parameter_gradients[0][to + at] += *dy;
    }
  }
}

template <class Real>
void position_forward(const KernelArguments<Real>& arguments) {
  const auto per_sample = arguments.input_specs[0].elements_per_sample();
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    arguments.output[at] = real_input(arguments)[at] + arguments.parameters[0][at % per_sample];
  }
}

template <class Real>
void position_input_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    put(first_gradient(arguments)[at], arguments.accumulate[0], arguments.output_gradient[at]);
  }
}

template <class Real>
void position_weight_gradient(const KernelArguments<Real>& arguments) {
  const auto per_sample = arguments.input_specs[0].elements_per_sample();
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    arguments.parameter_gradients[0][at % per_sample] += arguments.output_gradient[at];
  }
}

}  // namespace

template <class Real>
KernelRow<Real> token_embedding_reference() {
  return {"token_embedding", token_forward<Real>, nullptr, token_weight_gradient<Real>};
}

template <class Real>
KernelRow<Real> position_embedding_reference() {
  return {"position_embedding", position_forward<Real>, position_input_gradient<Real>, position_weight_gradient<Real>};
}

template KernelRow<float> token_embedding_reference<float>();
template KernelRow<double> token_embedding_reference<double>();
template KernelRow<float> position_embedding_reference<float>();
template KernelRow<double> position_embedding_reference<double>();

}  // namespace tandem

// attention, reference: softmax(Q K^T / sqrt(d)) V per head, with Q, K and V side by side in each row of the input.

#include <algorithm>
#include <cmath>

#include "exec/kernels/attention_dropout.hpp"
#include "exec/kernels/reference_matrix.hpp"

namespace tandem {

namespace {

/// The matrices of one head of one sample, each sequence x head size, or sequence x sequence.
template <class Real>
struct Head {
  Head(const KernelArguments<Real>& arguments, std::int64_t sample, std::int64_t head)
      : sequence(arguments.output_spec->dims[0]), hidden(arguments.output_spec->columns()) {
    const auto heads = arguments.attributes->integer("heads");
    size = hidden / heads;
    row = sample * sequence;
    column = head * size;
    tile = (sample * heads + head) * sequence * sequence;
  }

  /// `part`: 0 query, 1 key, 2 value.
  auto packed(auto* values, std::int64_t part) const {
    return matrix(values + row * 3 * hidden + part * hidden + column, sequence, size, 3 * hidden);
  }
  auto output(auto* values) const { return matrix(values + row * hidden + column, sequence, size, hidden); }
  auto probabilities(auto* values) const { return matrix(values + tile, sequence, sequence, sequence); }
  std::int64_t index() const { return tile / (sequence * sequence); }
  Real scale() const { return 1 / std::sqrt(static_cast<Real>(size)); }

  std::int64_t sequence, hidden, size = 0, row = 0, column = 0, tile = 0;
};

template <class Real, class Body>
void for_each_head(const KernelArguments<Real>& arguments, Body body) {
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    for (std::int64_t head = 0; head < arguments.attributes->integer("heads"); ++head) {
      body(Head<Real>(arguments, sample, head));
    }
  }
}

/// In place: the softmax of the first `seen` values, and zeros behind them.
void softmax_row(auto row, std::int64_t seen) {
  const auto largest = row.head(seen).maxCoeff();
  for (std::int64_t at = 0; at < row.size(); ++at) row[at] = at < seen ? std::exp(row[at] - largest) : 0;
  row /= row.sum();
}

/// 1 / (1 - rate) where the pair of positions is kept, else 0.
template <class Real>
RowMajor<Real> factors(const Head<Real>& head, const AttentionDropout<Real>& dropout) {
  RowMajor<Real> result(head.sequence, head.sequence);
  for (std::int64_t from = 0; from < head.sequence; ++from)
    for (std::int64_t to = 0; to < head.sequence; ++to) result(from, to) = dropout.factor(head.index(), from, to);
  return result;
}

/// As backward reads them: the probabilities behind dropout, and what each was multiplied by.
template <class Real>
void store(const Head<Real>& head, const AttentionDropout<Real>& dropout, const RowMajor<Real>& factor,
           const RowMajor<Real>& dropped) {
  if (!dropout.stores()) return;
  const auto size = static_cast<std::size_t>(head.sequence * head.sequence);
  std::copy_n(dropped.data(), size, dropout.stored(head.index()));
  for (std::size_t at = 0; at < size; ++at) dropout.stored_mask(head.index())[at] = factor.data()[at] != 0;
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const bool causal = arguments.attributes->integer("causal") == 1;
  const AttentionDropout<Real> dropout(arguments);
  for_each_head(arguments, [&](const Head<Real>& head) {
    const auto query = head.packed(real_input(arguments), 0), key = head.packed(real_input(arguments), 1);
    auto probabilities = head.probabilities(arguments.extra[0]);
    put_matrix(probabilities, false, head.scale() * query * key.transpose());
    for (std::int64_t at = 0; at < head.sequence; ++at)
      softmax_row(probabilities.row(at), causal ? at + 1 : head.sequence);
    const RowMajor<Real> factor = factors(head, dropout);
    const RowMajor<Real> dropped = probabilities.cwiseProduct(factor);
    store(head, dropout, factor, dropped);
    put_matrix(head.output(arguments.output), false, dropped * head.packed(real_input(arguments), 2));
  });
}

/// dS = P (dP - rowsum(P dP)) scale.
template <class Real>
RowMajor<Real> score_gradient(const Head<Real>& head, const auto& probabilities, const RowMajor<Real>& gradient) {
  RowMajor<Real> result(head.sequence, head.sequence);
  for (std::int64_t at = 0; at < head.sequence; ++at) {
    const Real expected = probabilities.row(at).dot(gradient.row(at));
    for (std::int64_t to = 0; to < head.sequence; ++to) {
      result(at, to) = probabilities(at, to) * (gradient(at, to) - expected) * head.scale();
    }
  }
  return result;
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  Real* const dx = first_gradient(arguments);
  const bool add = arguments.accumulate[0];
  const AttentionDropout<Real> dropout(arguments);
  for_each_head(arguments, [&](const Head<Real>& head) {
    const auto query = head.packed(real_input(arguments), 0), key = head.packed(real_input(arguments), 1);
    const auto value = head.packed(real_input(arguments), 2), dy = head.output(arguments.output_gradient);
    const auto probabilities = head.probabilities(static_cast<const Real*>(arguments.extra[0]));
    const RowMajor<Real> factor = factors(head, dropout);
    const RowMajor<Real> gradient = (dy * value.transpose()).cwiseProduct(factor);
    const RowMajor<Real> scores = score_gradient(head, probabilities, gradient);
    put_matrix(head.packed(dx, 0), add, scores * key);
    put_matrix(head.packed(dx, 1), add, scores.transpose() * query);
    put_matrix(head.packed(dx, 2), add, probabilities.cwiseProduct(factor).transpose() * dy);
  });
}

}  // namespace

template <class Real>
KernelRow<Real> attention_reference() {
  return {"attention", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> attention_reference<float>();
template KernelRow<double> attention_reference<double>();

}  // namespace tandem

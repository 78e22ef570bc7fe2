// grouped_attention, reference: each value by loops over positions, as softmax(Q K^T / sqrt(d)) V per head is written.

#include <algorithm>
#include <cmath>
#include <vector>

#include "exec/kernels/attention_dropout.hpp"

namespace tandem {

namespace {

template <class Real>
struct Head {
  Head(const KernelArguments<Real>& arguments, std::int64_t sample, std::int64_t head)
      : sequence(arguments.output_spec->dims[0]), stride(arguments.output_spec->columns()) {
    const auto heads = arguments.attributes->integer("heads");
    const auto group = heads / arguments.attributes->integer("key_value_heads");
    size = stride / heads;
    shared_stride = stride / group;
    own = sample * sequence * stride + head * size;
    shared = sample * sequence * shared_stride + head / group * size;
    tile = (sample * heads + head) * sequence * sequence;
  }
  std::int64_t own_at(std::int64_t position, std::int64_t i) const { return own + position * stride + i; }
  std::int64_t shared_at(std::int64_t position, std::int64_t i) const { return shared + position * shared_stride + i; }
  std::int64_t index() const { return tile / (sequence * sequence); }
  std::int64_t pair(std::int64_t from, std::int64_t to) const { return tile + from * sequence + to; }
  Real scale() const { return 1 / std::sqrt(static_cast<Real>(size)); }

  std::int64_t sequence, stride, size = 0, shared_stride = 0, own = 0, shared = 0, tile = 0;
};

template <class Real, class Body>
void for_each_head(const KernelArguments<Real>& arguments, Body body) {
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    for (std::int64_t head = 0; head < arguments.attributes->integer("heads"); ++head) {
      body(Head<Real>(arguments, sample, head));
    }
  }
}

/// Calls `body(from, to)` for every position and each one that it sees.
template <class Real, class Body>
void for_each_pair(const KernelArguments<Real>& arguments, const Head<Real>& head, Body body) {
  const bool causal = arguments.attributes->integer("causal") == 1;
  for (std::int64_t from = 0; from < head.sequence; ++from) {
    for (std::int64_t to = 0; to < (causal ? from + 1 : head.sequence); ++to) body(from, to);
  }
}

template <class Real>
void write_probabilities(const KernelArguments<Real>& arguments, const Head<Real>& head) {
  Real* const p = arguments.extra[0];
  std::fill_n(p + head.tile, head.sequence * head.sequence, Real(0));
  std::vector<Real> sums(static_cast<std::size_t>(head.sequence), Real(0)), largest(sums.size());
  for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
    Real score = 0;
    for (std::int64_t i = 0; i < head.size; ++i) {
      score += real_input(arguments, 0)[head.own_at(from, i)] * real_input(arguments, 1)[head.shared_at(to, i)];
    }
    p[head.pair(from, to)] = score * head.scale();
    auto& most = largest[static_cast<std::size_t>(from)];
    most = to == 0 ? p[head.pair(from, to)] : std::max(most, p[head.pair(from, to)]);
  });
  for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
    Real& value = p[head.pair(from, to)];
    value = std::exp(value - largest[static_cast<std::size_t>(from)]);
    sums[static_cast<std::size_t>(from)] += value;
  });
  for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
    p[head.pair(from, to)] /= sums[static_cast<std::size_t>(from)];
  });
}

/// As backward reads them: the mask, and the probabilities behind dropout.
template <class Real>
void store(const KernelArguments<Real>& arguments, const Head<Real>& head, const AttentionDropout<Real>& dropout) {
  if (!dropout.stores()) return;
  for (std::int64_t from = 0; from < head.sequence; ++from) {
    for (std::int64_t to = 0; to < head.sequence; ++to) {
      const std::int64_t at = from * head.sequence + to;
      const Real factor = dropout.factor(head.index(), from, to);
      dropout.stored_mask(head.index())[at] = factor != 0;
      dropout.stored(head.index())[at] = factor * arguments.extra[0][head.pair(from, to)];
    }
  }
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const AttentionDropout<Real> dropout(arguments);
  std::fill_n(arguments.output, arguments.output_spec->elements(arguments.batch), Real(0));
  for_each_head(arguments, [&](const Head<Real>& head) {
    write_probabilities(arguments, head);
    store(arguments, head, dropout);
    for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
      const Real factor = dropout.factor(head.index(), from, to);
      for (std::int64_t i = 0; i < head.size; ++i) {
        arguments.output[head.own_at(from, i)] +=
            factor * arguments.extra[0][head.pair(from, to)] * real_input(arguments, 2)[head.shared_at(to, i)];
      }
    });
  });
}

/// dP(from, to): how the objective changes with one probability, through what dropout leaves of it.
template <class Real>
Real probability_slope(const KernelArguments<Real>& arguments, const Head<Real>& head, std::int64_t from,
                       std::int64_t to) {
  Real slope = 0;
  for (std::int64_t i = 0; i < head.size; ++i) {
    slope += arguments.output_gradient[head.own_at(from, i)] * real_input(arguments, 2)[head.shared_at(to, i)];
  }
  return slope * AttentionDropout<Real>(arguments).factor(head.index(), from, to);
}

/// Of each position, the mean of its probabilities' slopes, weighted by them.
template <class Real>
std::vector<Real> expected_slopes(const KernelArguments<Real>& arguments, const Head<Real>& head) {
  std::vector<Real> expected(static_cast<std::size_t>(head.sequence), Real(0));
  for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
    expected[static_cast<std::size_t>(from)] +=
        arguments.extra[0][head.pair(from, to)] * probability_slope(arguments, head, from, to);
  });
  return expected;
}

template <class Real>
void add_head_gradients(const KernelArguments<Real>& arguments, const Head<Real>& head) {
  const auto expected = expected_slopes(arguments, head);
  for_each_pair(arguments, head, [&](std::int64_t from, std::int64_t to) {
    const Real p = arguments.extra[0][head.pair(from, to)];
    const Real slope = probability_slope(arguments, head, from, to) - expected[static_cast<std::size_t>(from)];
    const Real score = p * slope * head.scale();
    const Real dropped = p * AttentionDropout<Real>(arguments).factor(head.index(), from, to);
    for (std::int64_t i = 0; i < head.size; ++i) {
      const auto own = head.own_at(from, i), shared = head.shared_at(to, i);
      arguments.input_gradients[0][own] += score * real_input(arguments, 1)[shared];
      arguments.input_gradients[1][shared] += score * real_input(arguments, 0)[own];
      arguments.input_gradients[2][shared] += dropped * arguments.output_gradient[own];
    }
  });
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  for (std::size_t input = 0; input < 3; ++input) {
    invariant(arguments.input_gradients[input] != nullptr, "the reference computes all three gradients");
    if (arguments.accumulate[input]) continue;
    std::fill_n(arguments.input_gradients[input], arguments.input_specs[input].elements(arguments.batch), Real(0));
  }
  for_each_head(arguments, [&](const Head<Real>& head) { add_head_gradients(arguments, head); });
}

}  // namespace

template <class Real>
KernelRow<Real> grouped_attention_reference() {
  return {"grouped_attention", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> grouped_attention_reference<float>();
template KernelRow<double> grouped_attention_reference<double>();

}  // namespace tandem

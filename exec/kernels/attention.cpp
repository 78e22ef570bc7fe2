// attention, fast: softmax(Q K^T / sqrt(d)) V per head, with Q, K and V side by side in each row of the input.

#include <cmath>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/attention_dropout.hpp"
#include "exec/kernels/attention_tile.hpp"
#include "exec/kernels/product.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

struct Sizes {
  explicit Sizes(const Arguments& arguments)
      : heads(arguments.attributes->integer("heads")),
        sequence(arguments.output_spec->dims[0]),
        hidden(arguments.output_spec->columns()),
        head(hidden / heads),
        scale(1 / std::sqrt(static_cast<float>(head))),
        causal(arguments.attributes->integer("causal") == 1) {}
  std::int64_t heads, sequence, hidden, head;
  float scale;
  bool causal;

  std::int64_t packed() const { return 3 * hidden; }
  std::int64_t tile() const { return sequence * sequence; }
};

/// Where the tensors of one head of one sample start.
struct Offsets {
  std::int64_t index, query, key, value, output, probabilities;
};

template <class Body>
void for_each_head(const Sizes& sizes, std::int64_t batch, Body body) {
  for (std::int64_t index = 0; index < batch * sizes.heads; ++index) {
    const auto sample = index / sizes.heads, column = index % sizes.heads * sizes.head;
    const auto query = sample * sizes.sequence * sizes.packed() + column;
    body(Offsets{index, query, query + sizes.hidden, query + 2 * sizes.hidden,
                 sample * sizes.sequence * sizes.hidden + column, index * sizes.tile()});
  }
}

void forward(const Arguments& arguments) {
  const Sizes sizes(arguments);
  const TileDropout dropout(arguments);
  const auto s = sizes.sequence, packed = sizes.packed();
  const float* const input = real_input(arguments);
  for_each_head(sizes, arguments.batch, [&](const Offsets& at) {
    float* const probabilities = arguments.extra[0] + at.probabilities;
    multiply(s, s, sizes.head, {input + at.query, packed}, transposed(input + at.key, packed), {probabilities, s},
             sizes.scale);
    softmax_rows(probabilities, s, sizes.causal);
    multiply(s, sizes.head, s, {dropout.dropped(at.index, probabilities), s}, {input + at.value, packed},
             {arguments.output + at.output, sizes.hidden});
  });
}

void input_gradient(const Arguments& arguments) {
  const Sizes sizes(arguments);
  const TileDropout dropout(arguments);
  const auto s = sizes.sequence, packed = sizes.packed();
  const float* const input = real_input(arguments);
  float* const result = first_gradient(arguments);
  float* const scores = static_cast<float*>(arguments.scratch);
  invariant(scores != nullptr, "attention's I needs scratch for one tile");
  for_each_head(sizes, arguments.batch, [&](const Offsets& at) {
    const auto into = [&](std::int64_t offset) {
      return ProductResult{result + offset, packed, arguments.accumulate[0]};
    };
    const float* const probabilities = arguments.extra[0] + at.probabilities;
    const Factor dy{arguments.output_gradient + at.output, sizes.hidden};
    multiply(s, sizes.head, s, transposed(dropout.dropped_again(at.index, probabilities), s), dy, into(at.value));
    multiply(s, s, sizes.head, dy, transposed(input + at.value, packed), {scores, s});
    dropout.through(at.index, scores);
    softmax_gradient(probabilities, scores, s, sizes.scale);
    multiply(s, sizes.head, s, {scores, s}, {input + at.key, packed}, into(at.query));
    multiply(s, sizes.head, s, transposed(scores, s), {input + at.query, packed}, into(at.key));
  });
}

}  // namespace

KernelRow<float> attention_kernels() { return {"attention", forward, input_gradient, nullptr}; }

}  // namespace tandem

// grouped_attention, fast: as attention, with heads of queries in groups that share a head of keys and values.

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
        group(heads / arguments.attributes->integer("key_value_heads")),
        sequence(arguments.output_spec->dims[0]),
        columns(arguments.output_spec->columns()),
        shared_columns(columns / group),
        head(columns / heads),
        scale(1 / std::sqrt(static_cast<float>(head))),
        causal(arguments.attributes->integer("causal") == 1) {}
  std::int64_t heads, group, sequence, columns, shared_columns, head;
  float scale;
  bool causal;
};

/// Where the tensors of one head of one sample start. `query` is the output's place as well.
struct Offsets {
  std::int64_t index, query, key, probabilities;
  bool opens_group;  ///< the first head of its group
};

template <class Body>
void for_each_head(const Sizes& sizes, std::int64_t batch, Body body) {
  for (std::int64_t index = 0; index < batch * sizes.heads; ++index) {
    const auto row = index / sizes.heads * sizes.sequence, head = index % sizes.heads;
    body(Offsets{index, row * sizes.columns + head * sizes.head,
                 row * sizes.shared_columns + head / sizes.group * sizes.head, index * sizes.sequence * sizes.sequence,
                 head % sizes.group == 0});
  }
}

void forward(const Arguments& arguments) {
  const Sizes sizes(arguments);
  const TileDropout dropout(arguments);
  const auto s = sizes.sequence;
  for_each_head(sizes, arguments.batch, [&](const Offsets& at) {
    float* const probabilities = arguments.extra[0] + at.probabilities;
    multiply(s, s, sizes.head, {real_input(arguments, 0) + at.query, sizes.columns},
             transposed(real_input(arguments, 1) + at.key, sizes.shared_columns), {probabilities, s}, sizes.scale);
    softmax_rows(probabilities, s, sizes.causal);
    multiply(s, sizes.head, s, {dropout.dropped(at.index, probabilities), s}, {real_input(arguments, 2) + at.key, sizes.shared_columns},
             {arguments.output + at.query, sizes.columns});
  });
}

/// A key's and a value's gradients are sums over the heads of the group.
void input_gradient(const Arguments& arguments) {
  const Sizes sizes(arguments);
  const TileDropout dropout(arguments);
  const auto s = sizes.sequence;
  float* const scores = static_cast<float*>(arguments.scratch);
  invariant(scores != nullptr, "grouped_attention's I needs scratch for one tile");
  for_each_head(sizes, arguments.batch, [&](const Offsets& at) {
    const auto shared = [&](std::size_t input) {
      return ProductResult{arguments.input_gradients[input] + at.key, sizes.shared_columns,
                           arguments.accumulate[input] || !at.opens_group};
    };
    const auto is_due = [&](std::size_t input) { return arguments.input_gradients[input] != nullptr; };
    const float* const probabilities = arguments.extra[0] + at.probabilities;
    const Factor dy{arguments.output_gradient + at.query, sizes.columns};
    const float* const dropped = dropout.dropped_again(at.index, probabilities);
    if (is_due(2)) multiply(s, sizes.head, s, transposed(dropped, s), dy, shared(2));
    multiply(s, s, sizes.head, dy, transposed(real_input(arguments, 2) + at.key, sizes.shared_columns), {scores, s});
    dropout.through(at.index, scores);
    softmax_gradient(probabilities, scores, s, sizes.scale);
    if (is_due(0)) {
      multiply(s, sizes.head, s, {scores, s}, {real_input(arguments, 1) + at.key, sizes.shared_columns},
               {arguments.input_gradients[0] + at.query, sizes.columns, arguments.accumulate[0]});
    }
    if (is_due(1)) {
      multiply(s, sizes.head, s, transposed(scores, s), {real_input(arguments, 0) + at.query, sizes.columns},
               shared(1));
    }
  });
}

}  // namespace

KernelRow<float> grouped_attention_kernels() { return {"grouped_attention", forward, input_gradient, nullptr}; }

}  // namespace tandem

// Kernels between layouts against plain loops, and each backward against its forward: <A x, y> = <x, A' y>.

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "exec/kernels/conversions.hpp"
#include "plan/collective.hpp"
#include "plan/conversions.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"
#include "tests/plan/collectives.hpp"

using namespace tandem;

namespace {

using Values = std::vector<float>;

/// A conversion of one tensor, or of two, called as a worker would.
struct Conversion {
  const LayerKind& kind;
  Attributes attributes;
  std::vector<TensorSpec> inputs;
  std::int64_t batch;

  TensorSpec output() const { return kind.output(attributes, inputs); }

  /// What is not written keeps `before`.
  Values forward(const std::vector<Values>& x, float before = 0) const {
    const TensorSpec spec = output();
    Values y(static_cast<std::size_t>(spec.elements(batch)), before);
    std::vector<const void*> pointers;
    for (const Values& values : x) pointers.push_back(values.data());
    KernelArguments<float> arguments = about(spec);
    arguments.inputs = pointers;
    arguments.output = y.data();
    find_kernels(conversion_kernels(), kind.name).of(Pass::forward)(arguments);
    return y;
  }

  std::vector<Values> backward(const Values& dy, std::vector<Values> dx, bool accumulate = false) const {
    const TensorSpec spec = output();
    std::vector<float*> pointers;
    for (Values& values : dx) pointers.push_back(values.data());
    const bool adds[] = {accumulate, false};
    const std::vector<const void*> none(inputs.size(), nullptr);
    KernelArguments<float> arguments = about(spec);
    arguments.inputs = none;
    arguments.output_gradient = dy.data();
    arguments.input_gradients = pointers;
    arguments.accumulate = {adds, inputs.size()};
    find_kernels(conversion_kernels(), kind.name).of(Pass::input_gradient)(arguments);
    return dx;
  }

  KernelArguments<float> about(const TensorSpec& spec) const {
    KernelArguments<float> arguments;
    arguments.attributes = &attributes;
    arguments.input_specs = inputs;
    arguments.output_spec = &spec;
    arguments.batch = batch;
    return arguments;
  }
};

Values random_values(std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  Values values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(static_cast<std::int64_t>(bits() % 17) - 8);  // sums are exact
  return values;
}

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// <A x, y> = <x, A' y>, exactly: the values are small whole numbers.
void check_adjoint(const Conversion& conversion, std::uint64_t seed) {
  std::vector<Values> x, zeros;
  for (std::size_t i = 0; i < conversion.inputs.size(); ++i) {
    x.push_back(random_values(conversion.inputs[i].elements(conversion.batch), seed + i));
    zeros.emplace_back(x.back().size(), 0.0F);
  }
  const Values y = random_values(conversion.output().elements(conversion.batch), seed + 7);
  const std::vector<Values> back = conversion.backward(y, zeros);
  double right = 0;
  for (std::size_t i = 0; i < x.size(); ++i) right += dot(x[i], back[i]);
  REQUIRE(dot(conversion.forward(x), y) == right);
  const std::vector<Values> added = conversion.backward(y, {x[0], zeros.back()}, conversion.kind.name != "take_block");
  if (conversion.inputs.size() > 1 || conversion.kind.name == "take_block") return;
  for (std::size_t i = 0; i < x[0].size(); ++i) REQUIRE(added[0][i] == x[0][i] + back[0][i]);
}

/// A dimension of `length` in `blocks`, each dealt to `ranks`; three dimensions around it and two samples.
struct Packing {
  std::int64_t batch, outer, length, inner, blocks, ranks;
  std::size_t dimension() const { return outer > 1 ? 1 : 0; }

  TensorSpec spec(std::int64_t rows) const {
    if (outer > 1) return real_tensor({outer, rows, inner});
    return real_tensor({rows, inner});
  }
  Conversion of(const LayerKind& kind, std::int64_t rank, std::int64_t rows) const {
    return {kind,
            {{{"dimension", static_cast<double>(dimension())},
              {"blocks", static_cast<double>(blocks)},
              {"length", static_cast<double>(length)},
              {"ranks", static_cast<double>(ranks)},
              {"rank", static_cast<double>(rank)}}},
            {spec(rows)},
            batch};
  }
  /// Rows of the dimension that belong to the rank, in order.
  std::vector<std::int64_t> rows_of(std::int64_t rank) const {
    const std::int64_t block = length / blocks;
    std::vector<std::int64_t> rows;
    for (std::int64_t b = 0; b < blocks; ++b)
      for (std::int64_t i = 0, at = 0; at < ranks; ++at)
        for (std::int64_t left = block / ranks + (at < block % ranks ? 1 : 0); left > 0; --left, ++i)
          if (at == rank) rows.push_back(b * block + i);
    return rows;
  }
  Values part(const Values& whole, std::int64_t rank) const {
    Values values;
    for (std::int64_t o = 0; o < batch * outer; ++o)
      for (const std::int64_t row : rows_of(rank))
        for (std::int64_t i = 0; i < inner; ++i)
          values.push_back(whole[static_cast<std::size_t>((o * length + row) * inner + i)]);
    return values;
  }
  /// One rank's part after the other.
  Values packed(const Values& whole) const {
    Values values;
    for (std::int64_t rank = 0; rank < ranks; ++rank)
      for (const float value : part(whole, rank)) values.push_back(value);
    return values;
  }
  std::int64_t elements() const { return batch * outer * length * inner; }
};

const std::vector<Packing> kPackings{{2, 1, 6, 4, 1, 2}, {2, 3, 8, 2, 1, 3}, {1, 1, 12, 1, 3, 2}, {3, 2, 15, 3, 3, 4},
                                     {2, 1, 5, 1, 1, 5}, {2, 4, 3, 2, 1, 1}};

/// One rank of a divided dimension: `rows` of its own, four strips.
struct Strips {
  std::int64_t batch, outer, rows, inner, from_before, from_after, to_before, to_after, skip_before, skip_after;

  std::int64_t joined() const { return from_before + rows - skip_before - skip_after + from_after; }
  std::size_t size(std::int64_t count) const { return static_cast<std::size_t>(batch * outer * count * inner); }
  Conversion of(const LayerKind& kind) const {
    std::vector<TensorSpec> inputs{real_tensor({outer, rows, inner})};
    if (&kind == &halo_join_kind())
      inputs.push_back(real_tensor({(from_before + from_after + to_before + to_after) * outer * inner}));
    return {kind,
            {{{"dimension", 1.0},
              {"from_before", static_cast<double>(from_before)},
              {"from_after", static_cast<double>(from_after)},
              {"to_before", static_cast<double>(to_before)},
              {"to_after", static_cast<double>(to_after)},
              {"skip_before", static_cast<double>(skip_before)},
              {"skip_after", static_cast<double>(skip_after)}}},
            inputs,
            batch};
  }
  /// Rows [first, first + count) of each plane of a tensor with `length` rows.
  Values cut(const Values& tensor, std::int64_t length, std::int64_t first, std::int64_t count) const {
    Values values;
    for (std::int64_t o = 0; o < batch * outer; ++o)
      for (std::int64_t row = first; row < first + count; ++row)
        for (std::int64_t i = 0; i < inner; ++i)
          values.push_back(tensor[static_cast<std::size_t>((o * length + row) * inner + i)]);
    return values;
  }
};

const std::vector<Strips> kStrips{{2, 3, 5, 4, 1, 1, 1, 1, 0, 0}, {1, 2, 4, 3, 2, 0, 0, 1, 0, 0},
                                  {2, 1, 6, 1, 0, 3, 2, 0, 1, 0}, {3, 2, 3, 2, 0, 0, 3, 3, 1, 2},
                                  {1, 1, 4, 2, 2, 2, 0, 0, 2, 1}};

/// A tensor of three dimensions, [a, b, c] a sample, that is split along one before and along another after.
struct Dealing {
  std::int64_t batch;  ///< of all ranks
  std::array<std::int64_t, 3> dims;
  int before, after;  ///< dimensions; -1: the samples
  std::int64_t blocks_before, blocks_after, ranks;

  /// The whole tensor around one of its dimensions; samples are the rows of a single outer block.
  Packing around(int dimension, std::int64_t blocks) const {
    if (dimension < 0) return {1, 1, batch, dims[0] * dims[1] * dims[2], 1, ranks};
    Packing packing{batch, 1, dims[static_cast<std::size_t>(dimension)], 1, blocks, ranks};
    for (int d = 0; d < dimension; ++d) packing.outer *= dims[static_cast<std::size_t>(d)];
    for (int d = dimension + 1; d < 3; ++d) packing.inner *= dims[static_cast<std::size_t>(d)];
    return packing;
  }
  Values part(const Values& whole, int dimension, std::int64_t blocks, std::int64_t rank) const {
    return around(dimension, blocks).part(whole, rank);
  }
  TensorSpec spec_of_part(std::int64_t rank) const {
    std::vector<std::int64_t> sizes(dims.begin(), dims.end());
    sizes[static_cast<std::size_t>(before)] = std::ssize(around(before, blocks_before).rows_of(rank));
    return real_tensor(sizes);
  }
  Conversion of(const LayerKind& kind, std::int64_t rank, const TensorSpec& input) const {
    const auto length = [&](int dimension) { return dimension < 0 ? batch : dims[static_cast<std::size_t>(dimension)]; };
    return {kind,
            {{{"dimension", static_cast<double>(before)},
              {"blocks", static_cast<double>(blocks_before)},
              {"length", static_cast<double>(length(before))},
              {"ranks", static_cast<double>(ranks)},
              {"rank", static_cast<double>(rank)},
              {"to_dimension", static_cast<double>(after)},
              {"to_blocks", static_cast<double>(blocks_after)},
              {"to_length", static_cast<double>(length(after))}}},
            {input},
            after < 0 ? batch / ranks : batch};
  }
  Conversion deal(std::int64_t rank) const { return of(deal_kind(), rank, spec_of_part(rank)); }
  Conversion take(std::int64_t rank) const { return of(take_dealt_kind(), rank, deal(rank).output()); }
};

const std::vector<Dealing> kDealings{{4, {3, 6, 5}, 1, -1, 1, 1, 2}, {6, {5, 2, 1}, 0, -1, 1, 1, 3}, {2, {4, 6, 5}, 0, 1, 1, 1, 2},
                                     {2, {4, 12, 3}, 0, 1, 1, 3, 2}, {1, {3, 2, 12}, 2, 0, 3, 1, 2}, {3, {5, 7, 2}, 1, 0, 1, 1, 3},
                                     {2, {3, 9, 11}, 2, 1, 1, 1, 4}, {2, {2, 3, 4}, 0, 2, 1, 1, 1}};

constexpr float kUntouched = 77;

}  // namespace

TEST_CASE("packing puts one rank's rows after the other, and unpacking puts them back") {
  for (const Packing& packing : kPackings) {
    const Values whole = random_values(packing.elements(), 1);

    const Values packed = packing.of(pack_kind(), 0, packing.length).forward({whole});

    CHECK(packed == packing.packed(whole));
    CHECK(packing.of(unpack_kind(), 0, packing.length).forward({packed}) == whole);
  }
}

TEST_CASE("a rank takes its own block of the packed tensor, and puts it there without touching the others") {
  for (const Packing& packing : kPackings) {
    const Values whole = random_values(packing.elements(), 2), packed = packing.packed(whole);
    std::size_t first = 0;
    for (std::int64_t rank = 0; rank < packing.ranks; ++rank) {
      const Values part = packing.part(whole, rank);
      const auto rows = std::ssize(packing.rows_of(rank));

      CHECK(packing.of(take_block_kind(), rank, packing.length).forward({packed}) == part);
      const Values put = packing.of(put_block_kind(), rank, rows).forward({part}, kUntouched);

      for (std::size_t i = 0; i < put.size(); ++i) {
        const bool own = i >= first && i < first + part.size();
        REQUIRE(put[i] == (own ? part[i - first] : kUntouched));
      }
      first += part.size();
    }
  }
}

TEST_CASE("backward of each rearrangement is its adjoint") {
  std::uint64_t seed = 10;
  for (const Packing& packing : kPackings)
    for (std::int64_t rank = 0; rank < packing.ranks; ++rank) {
      check_adjoint(packing.of(pack_kind(), rank, packing.length), seed++);
      check_adjoint(packing.of(unpack_kind(), rank, packing.length), seed++);
      check_adjoint(packing.of(put_block_kind(), rank, std::ssize(packing.rows_of(rank))), seed++);
      check_adjoint(packing.of(take_block_kind(), rank, packing.length), seed++);
    }
}

TEST_CASE("the strips that are sent are a part's first and last rows, behind those that arrive") {
  for (const Strips& halo : kStrips) {
    const Values x = random_values(static_cast<std::int64_t>(halo.size(halo.rows)), 3);

    const Values strips = halo.of(halo_send_kind()).forward({x}, kUntouched);

    Values want(halo.size(halo.from_before + halo.from_after), kUntouched);
    for (const float value : halo.cut(x, halo.rows, 0, halo.to_before)) want.push_back(value);
    for (const float value : halo.cut(x, halo.rows, halo.rows - halo.to_after, halo.to_after)) want.push_back(value);
    CHECK(strips == want);
  }
}

TEST_CASE("joined rows are the neighbour's before, the own ones that a window needs, and the neighbour's after") {
  for (const Strips& halo : kStrips) {
    const Values x = random_values(static_cast<std::int64_t>(halo.size(halo.rows)), 4);
    const std::int64_t all = halo.from_before + halo.from_after + halo.to_before + halo.to_after;
    const Values strips = random_values(static_cast<std::int64_t>(halo.size(all)), 5);

    const Values joined = halo.of(halo_join_kind()).forward({x, strips});

    const auto after = static_cast<std::ptrdiff_t>(halo.size(halo.from_before));
    const auto end = after + static_cast<std::ptrdiff_t>(halo.size(halo.from_after));
    const std::int64_t own = halo.rows - halo.skip_before - halo.skip_after, length = halo.joined();
    CHECK(halo.cut(joined, length, 0, halo.from_before) == Values(strips.begin(), strips.begin() + after));
    CHECK(halo.cut(joined, length, halo.from_before, own) == halo.cut(x, halo.rows, halo.skip_before, own));
    CHECK(halo.cut(joined, length, halo.from_before + own, halo.from_after) ==
          Values(strips.begin() + after, strips.begin() + end));
  }
}

TEST_CASE("backward of sending and of joining rows are their adjoints") {
  std::uint64_t seed = 50;
  for (const Strips& halo : kStrips) {
    check_adjoint(halo.of(halo_send_kind()), seed++);
    check_adjoint(halo.of(halo_join_kind()), seed++);
  }
}

TEST_CASE("dealing, an all-to-all and taking give each rank its part of the new split, and gradients go back") {
  for (const Dealing& dealing : kDealings) {
    const std::int64_t ranks = dealing.ranks;
    INFO("dimension " << dealing.before << " to " << dealing.after << " over " << ranks);
    const Values whole = random_values(dealing.batch * dealing.dims[0] * dealing.dims[1] * dealing.dims[2], 7);
    const auto trade = [&](Vectors vectors) {
      const CollectiveShape shape =
          shape_of(CollectiveKind::all_to_all, static_cast<std::uint32_t>(ranks), std::ssize(vectors[0]));
      run_in_lock_step(find_collective_algorithm("direct"), shape, vectors);
      return vectors;
    };

    Vectors parts, wanted, dealt, gradients;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      parts.push_back(dealing.part(whole, dealing.before, dealing.blocks_before, rank));
      wanted.push_back(dealing.part(whole, dealing.after, dealing.blocks_after, rank));
      dealt.push_back(dealing.deal(rank).forward({parts.back()}, kUntouched));
    }
    const Vectors arrived = trade(dealt);
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const auto at = static_cast<std::size_t>(rank);
      CHECK(dealing.take(rank).forward({arrived[at]}) == wanted[at]);
      gradients.push_back(dealing.take(rank).backward(wanted[at], {Values(arrived[at].size(), kUntouched)})[0]);
    }
    const Vectors returned = trade(gradients);
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const auto at = static_cast<std::size_t>(rank);
      CHECK(dealing.deal(rank).backward(returned[at], {Values(parts[at].size(), kUntouched)})[0] == parts[at]);
    }
  }
}

TEST_CASE("an exchange computes nothing forward, and backward adds its gradient to that of other readers") {
  const Conversion exchange{exchange_kind(), {}, {real_tensor({3})}, 2};

  CHECK(find_kernels(conversion_kernels(), "exchange").of(Pass::forward) == nullptr);
  CHECK(exchange.backward({1, 2, 3, 4, 5, 6}, {{10, 10, 10, 10, 10, 10}}, true)[0] == Values{11, 12, 13, 14, 15, 16});
  CHECK(exchange.backward({1, 2, 3, 4, 5, 6}, {Values(6, 99)})[0] == Values{1, 2, 3, 4, 5, 6});
}

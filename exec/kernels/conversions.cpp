// The local halves of conversions between layouts: blocks of ranks in and out of a packed tensor, strips of a halo.

#include <algorithm>
#include <array>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/conversions.hpp"
#include "plan/collective.hpp"
#include "plan/conversions.hpp"

namespace tandem {
namespace {

using Arguments = KernelArguments<float>;

/// `count` values from `from` to `to`, each run of them `strides` apart.
void move_values(const float* from, float* to, std::int64_t count, bool accumulate) {
  if (!accumulate) std::copy_n(from, count, to);
  else for (std::int64_t i = 0; i < count; ++i) to[i] += from[i];
}

/// Where the rows of one rank lie: in a tensor in its own order, and in the packed one.
class Blocks {
 public:
  Blocks(const Arguments& arguments, const TensorSpec& whole)
      : Blocks(arguments, whole, division(*arguments.attributes)) {}
  Blocks(const Arguments& arguments, const TensorSpec& whole, const Division& division)
      : sizes_(around(whole, samples(arguments, division), division.dimension)),
        blocks_(division.blocks),
        bounds_(equal_bounds(sizes_.length / blocks_, static_cast<std::uint32_t>(arguments.attributes->integer("ranks")))) {}

  std::size_t ranks() const { return bounds_.size() - 1; }
  std::int64_t rows(std::size_t rank) const { return bounds_[rank + 1] - bounds_[rank]; }

  /// Calls act(in natural order, in the rank's own packed block, count) for every contiguous run of the rank's rows;
  /// positions are from the beginning of the whole tensor, natural and packed.
  template <class Act>
  void each_run(std::size_t rank, Act&& act) const {
    const std::int64_t block_length = sizes_.length / blocks_, run = rows(rank) * sizes_.inner;
    std::int64_t packed = sizes_.outer * blocks_ * bounds_[rank] * sizes_.inner;
    for (std::int64_t outer = 0; outer < sizes_.outer; ++outer)
      for (std::int64_t block = 0; block < blocks_; ++block, packed += run)
        act((outer * sizes_.length + block * block_length + bounds_[rank]) * sizes_.inner, packed, run);
  }
  /// First position of the rank's packed block, and its size.
  std::int64_t packed_first(std::size_t rank) const { return sizes_.outer * blocks_ * bounds_[rank] * sizes_.inner; }
  std::int64_t packed_size(std::size_t rank) const { return sizes_.outer * blocks_ * rows(rank) * sizes_.inner; }

 private:
  /// Of the whole tensor: the layer's own, unless they are what is split.
  static std::int64_t samples(const Arguments& arguments, const Division& division) {
    return arguments.batch * (division.dimension == kSamples ? arguments.attributes->integer("ranks") : 1);
  }

  Around sizes_;
  std::int64_t blocks_;
  std::vector<std::int64_t> bounds_;
};

std::size_t own_rank(const Arguments& arguments) { return static_cast<std::size_t>(arguments.attributes->integer("rank")); }

/// A part has the order of its packed block already.
void put_block(const Arguments& a) {
  const Blocks blocks(a, *a.output_spec);
  move_values(real_input(a), a.output + blocks.packed_first(own_rank(a)), blocks.packed_size(own_rank(a)), false);
}

void put_block_gradient(const Arguments& a) {
  const Blocks blocks(a, *a.output_spec);
  move_values(a.output_gradient + blocks.packed_first(own_rank(a)), first_gradient(a), blocks.packed_size(own_rank(a)),
              a.accumulate[0]);
}

void take_block(const Arguments& a) {
  const Blocks blocks(a, a.input_specs[0]);
  move_values(real_input(a) + blocks.packed_first(own_rank(a)), a.output, blocks.packed_size(own_rank(a)), false);
}

/// The other ranks' blocks arrive by the collective that follows.
void take_block_gradient(const Arguments& a) {
  invariant(!a.accumulate[0], "a packed tensor has one reader");
  const Blocks blocks(a, a.input_specs[0]);
  move_values(a.output_gradient, first_gradient(a) + blocks.packed_first(own_rank(a)), blocks.packed_size(own_rank(a)),
              false);
}

void to_packed(const Arguments& a, const TensorSpec& whole, const float* natural, float* packed, bool accumulate) {
  const Blocks blocks(a, whole);
  for (std::size_t rank = 0; rank < blocks.ranks(); ++rank)
    blocks.each_run(rank, [&](std::int64_t at, std::int64_t in_packed, std::int64_t count) {
      move_values(natural + at, packed + in_packed, count, accumulate);
    });
}

void to_natural(const Arguments& a, const TensorSpec& whole, const float* packed, float* natural, bool accumulate) {
  const Blocks blocks(a, whole);
  for (std::size_t rank = 0; rank < blocks.ranks(); ++rank)
    blocks.each_run(rank, [&](std::int64_t at, std::int64_t in_packed, std::int64_t count) {
      move_values(packed + in_packed, natural + at, count, accumulate);
    });
}

void pack(const Arguments& a) { to_packed(a, *a.output_spec, real_input(a), a.output, false); }
void pack_gradient(const Arguments& a) {
  to_natural(a, *a.output_spec, a.output_gradient, first_gradient(a), a.accumulate[0]);
}
void unpack(const Arguments& a) { to_natural(a, *a.output_spec, real_input(a), a.output, false); }
void unpack_gradient(const Arguments& a) {
  to_packed(a, *a.output_spec, a.output_gradient, first_gradient(a), a.accumulate[0]);
}

/// The two halves of an all-to-all's vector: a block for each rank, as large as the largest. Gradients come back through
/// the halves as the values went.
class Dealt {
 public:
  /// `vector`: its spec; `tensor`: what is cut into the ranks' blocks, along `division`.
  Dealt(const Arguments& arguments, const TensorSpec& vector, const TensorSpec& tensor, const Division& division)
      : parts_(arguments, tensor, division),
        block_(vector.elements(arguments.batch) / 2 / static_cast<std::int64_t>(parts_.ranks())) {}

  /// Calls act(in the tensor, in the first half, in the second, count) for every run of every rank's block.
  template <class Act>
  void each_run(Act act) const {
    const auto ranks = static_cast<std::int64_t>(parts_.ranks());
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const auto of = static_cast<std::size_t>(rank);
      parts_.each_run(of, [&](std::int64_t at, std::int64_t packed, std::int64_t count) {
        const std::int64_t in_block = packed - parts_.packed_first(of);
        act(at, rank * block_ + in_block, (ranks + rank) * block_ + in_block, count);
      });
    }
  }

 private:
  Blocks parts_;
  std::int64_t block_;
};

void deal(const Arguments& a) {
  const Dealt dealt(a, *a.output_spec, a.input_specs[0], division_after(*a.attributes));
  dealt.each_run([&](std::int64_t at, std::int64_t first, std::int64_t, std::int64_t count) {
    move_values(real_input(a) + at, a.output + first, count, false);
  });
}

void deal_gradient(const Arguments& a) {
  const Dealt dealt(a, *a.output_spec, a.input_specs[0], division_after(*a.attributes));
  dealt.each_run([&](std::int64_t at, std::int64_t, std::int64_t second, std::int64_t count) {
    move_values(a.output_gradient + second, first_gradient(a) + at, count, a.accumulate[0]);
  });
}

void take_dealt(const Arguments& a) {
  const Dealt dealt(a, a.input_specs[0], *a.output_spec, division(*a.attributes));
  dealt.each_run([&](std::int64_t at, std::int64_t, std::int64_t second, std::int64_t count) {
    move_values(real_input(a) + second, a.output + at, count, false);
  });
}

void take_dealt_gradient(const Arguments& a) {
  invariant(!a.accumulate[0], "an all-to-all's vector has one reader");
  const Dealt dealt(a, a.input_specs[0], *a.output_spec, division(*a.attributes));
  dealt.each_run([&](std::int64_t at, std::int64_t first, std::int64_t, std::int64_t count) {
    move_values(a.output_gradient + at, first_gradient(a) + first, count, false);
  });
}

/// Rows of a part, and of the four strips that travel.
struct Halo {
  explicit Halo(const Arguments& a)
      : part(around(a.input_specs[0], a.batch, a.attributes->integer("dimension"))),
        from_before(a.attributes->integer("from_before")), from_after(a.attributes->integer("from_after")),
        to_before(a.attributes->integer("to_before")), to_after(a.attributes->integer("to_after")),
        skip_before(a.attributes->integer("skip_before")), skip_after(a.attributes->integer("skip_after")) {}

  std::int64_t values(std::int64_t rows) const { return part.outer * rows * part.inner; }
  std::int64_t to_before_first() const { return values(from_before + from_after); }
  std::int64_t to_after_first() const { return to_before_first() + values(to_before); }

  Around part;
  std::int64_t from_before, from_after, to_before, to_after, skip_before, skip_after;
};

/// Copies `rows` rows of each outer block.
struct Rows {
  std::int64_t outer, inner, rows;
  void move(const float* from, std::int64_t from_length, float* to, std::int64_t to_length, bool accumulate) const {
    for (std::int64_t i = 0; i < outer; ++i)
      move_values(from + i * from_length * inner, to + i * to_length * inner, rows * inner, accumulate);
  }
};

void halo_send(const Arguments& a) {
  const Halo halo(a);
  const auto& [outer, length, inner] = halo.part;
  const float* x = real_input(a);
  Rows{outer, inner, halo.to_before}.move(x, length, a.output + halo.to_before_first(), halo.to_before, false);
  Rows{outer, inner, halo.to_after}.move(x + (length - halo.to_after) * inner, length, a.output + halo.to_after_first(),
                                         halo.to_after, false);
}

/// What the neighbours owe to the rows that were sent to them.
void halo_send_gradient(const Arguments& a) {
  const Halo halo(a);
  const auto& [outer, length, inner] = halo.part;
  float* dx = first_gradient(a);
  if (!a.accumulate[0]) std::fill_n(dx, outer * length * inner, 0.0f);
  Rows{outer, inner, halo.to_before}.move(a.output_gradient + halo.to_before_first(), halo.to_before, dx, length, true);
  Rows{outer, inner, halo.to_after}.move(a.output_gradient + halo.to_after_first(), halo.to_after,
                                         dx + (length - halo.to_after) * inner, length, true);
}

/// Indices [first, first + count) of the join's output, along its dimension, that come from one place.
struct JoinedPiece {
  const float* tensor;
  std::int64_t begin;    ///< values of it before the piece's own
  std::int64_t length;   ///< of the dimension there
  std::int64_t skipped;  ///< indices before the piece's first there
  OutputRange joined;
};

OutputRange common(const OutputRange& left, const OutputRange& right) {
  const std::int64_t first = std::max(left.first, right.first);
  return {first, std::max<std::int64_t>(0, std::min(left.end(), right.end()) - first)};
}

/// What of the rectangle comes from this piece.
void join(const Arguments& a, const JoinedPiece& piece, const OutputRectangle& asked) {
  const auto& dims = a.output_spec->dims;
  const bool by_rows = a.attributes->integer("dimension") == static_cast<std::int64_t>(kImageRows);
  const std::int64_t height = dims[kImageRows], width = dims[kImageColumns];
  const OutputRange rows = by_rows ? common(asked.rows, piece.joined) : asked.rows;
  const OutputRange columns = by_rows ? asked.columns : common(asked.columns, piece.joined);
  const std::int64_t from_width = by_rows ? width : piece.length, from_height = by_rows ? piece.length : height;
  if (rows.count == 0 || columns.count == 0) return;
  const std::int64_t shift = piece.skipped - piece.joined.first;
  const std::int64_t first = piece.begin + (rows.first + (by_rows ? shift : 0)) * from_width + columns.first +
                             (by_rows ? 0 : shift);
  for (std::int64_t plane = 0; plane < a.batch * dims[0]; ++plane)
    for (std::int64_t row = 0; row < rows.count; ++row)
      std::copy_n(piece.tensor + (plane * from_height + row) * from_width + first, columns.count,
                  a.output + (plane * height + rows.first + row) * width + columns.first);
}

void halo_join(const Arguments& a) {
  const Halo halo(a);
  const std::int64_t length = halo.part.length, own = length - halo.skip_before - halo.skip_after;
  const float* strips = real_input(a, 1);
  const OutputRectangle asked = output_rectangle(a);
  join(a, {strips, 0, halo.from_before, 0, {0, halo.from_before}}, asked);
  join(a, {real_input(a), 0, length, halo.skip_before, {halo.from_before, own}}, asked);
  join(a, {strips, halo.values(halo.from_before), halo.from_after, 0, {halo.from_before + own, halo.from_after}}, asked);
}

void halo_join_gradient(const Arguments& a) {
  const Halo halo(a);
  const auto& [outer, length, inner] = halo.part;
  const std::int64_t own = length - halo.skip_before - halo.skip_after;
  const std::int64_t joined = halo.from_before + own + halo.from_after;
  const float* dy = a.output_gradient;
  if (float* dx = a.input_gradients[0]; dx != nullptr) {
    if (!a.accumulate[0]) std::fill_n(dx, outer * length * inner, 0.0f);
    Rows{outer, inner, own}.move(dy + halo.from_before * inner, joined, dx + halo.skip_before * inner, length, true);
  }
  float* strips = a.input_gradients[1];
  if (strips == nullptr) return;
  invariant(!a.accumulate[1], "the strips of a halo have one reader");
  Rows{outer, inner, halo.from_before}.move(dy, joined, strips, halo.from_before, false);
  Rows{outer, inner, halo.from_after}.move(dy + (halo.from_before + own) * inner, joined,
                                           strips + halo.values(halo.from_before), halo.from_after, false);
}

/// Backward of an exchange whose input has other readers, too.
void exchange_gradient(const Arguments& a) {
  move_values(a.output_gradient, first_gradient(a), input_elements(a), a.accumulate[0]);
}

}  // namespace

std::span<const KernelRow<float>> conversion_kernels() {
  static const std::array<KernelRow<float>, 9> kRows{{{"deal", deal, deal_gradient, nullptr},
                                                      {"exchange", nullptr, exchange_gradient, nullptr},
                                                      {"halo_join", halo_join, halo_join_gradient, nullptr},
                                                      {"halo_send", halo_send, halo_send_gradient, nullptr},
                                                      {"pack", pack, pack_gradient, nullptr},
                                                      {"put_block", put_block, put_block_gradient, nullptr},
                                                      {"take_block", take_block, take_block_gradient, nullptr},
                                                      {"take_dealt", take_dealt, take_dealt_gradient, nullptr},
                                                      {"unpack", unpack, unpack_gradient, nullptr}}};
  return kRows;
}

}  // namespace tandem

#include "plan/conversions.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace tandem {
namespace {

constexpr double kMost = 9e15;

constexpr AttributeSpec whole_number(std::string_view name, std::string_view meaning, double low = 0) {
  return {.name = name, .fallback = {}, .low = low, .high = kMost, .meaning = meaning, .in_signature = true};
}

constexpr AttributeSpec kBlocks[] = {
    whole_number("dimension", "that is split; -1: the samples", kSamples),
    whole_number("blocks", "equal blocks of the dimension, each split", 1),
    whole_number("length", "of the dimension in the whole tensor"),
    whole_number("ranks", "parts", 1),
    whole_number("rank", "the own part"),
};

constexpr AttributeSpec kTwoSplits[] = {
    kBlocks[0],
    kBlocks[1],
    kBlocks[2],
    kBlocks[3],
    kBlocks[4],
    whole_number("to_dimension", "that is split from then on; -1: the samples", kSamples),
    whole_number("to_blocks", "equal blocks of that dimension, each split", 1),
    whole_number("to_length", "of that dimension in the whole tensor"),
};

constexpr AttributeSpec kStrips[] = {
    whole_number("dimension", "that is split"),
    whole_number("from_before", "rows that come from the rank before"),
    whole_number("from_after", "rows that come from the rank after"),
    whole_number("to_before", "rows that go to the rank before"),
    whole_number("to_after", "rows that go to the rank after"),
    whole_number("skip_before", "own rows at the beginning that no window needs"),
    whole_number("skip_after", "own rows at the end that no window needs"),
};

std::vector<ParameterSpec> none(const Attributes&, std::span<const TensorSpec>) { return {}; }
Kept keeps_nothing(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = std::vector<bool>(inputs.size(), false), .output = false, .extra = {}};
}

/// Of one sample; another number of samples leaves it as it is.
TensorSpec resized(const TensorSpec& input, std::int64_t dimension, std::int64_t length) {
  TensorSpec spec = input;
  if (dimension != kSamples) spec.dims.at(static_cast<std::size_t>(dimension)) = length;
  return spec;
}

std::int64_t dimension_of(const Attributes& attributes) { return attributes.integer("dimension"); }

TensorSpec whole_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return resized(inputs[0], dimension_of(attributes), attributes.integer("length"));
}

/// Of the dimension, in the part of the rank.
std::int64_t length_of(const Division& division, std::int64_t ranks, std::int64_t rank) {
  const std::int64_t block = division.length / division.blocks;
  return division.blocks * (block / ranks + (rank < block % ranks ? 1 : 0));
}

TensorSpec own_part(const TensorSpec& whole, const Division& division, const Attributes& attributes) {
  return resized(whole, division.dimension,
                 length_of(division, attributes.integer("ranks"), attributes.integer("rank")));
}

TensorSpec own_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return own_part(inputs[0], division(attributes), attributes);
}

TensorSpec same(const Attributes&, std::span<const TensorSpec> inputs) { return inputs[0]; }

/// Two halves with a block for each rank, all as large as the first's, which is the largest.
TensorSpec dealt_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  const Division from = division(attributes), to = division_after(attributes);
  const std::int64_t ranks = attributes.integer("ranks");
  const TensorSpec blocks = resized(inputs[0], from.dimension, 2 * ranks * length_of(from, ranks, 0));
  return resized(blocks, to.dimension, length_of(to, ranks, 0));
}

TensorSpec taken_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return own_part(whole_output(attributes, inputs), division_after(attributes), attributes);
}

/// One sample's strips, side by side.
TensorSpec strips_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  const auto dimension = dimension_of(attributes);
  std::int64_t rows = 0;
  for (const std::string_view name : {"from_before", "from_after", "to_before", "to_after"})
    rows += attributes.integer(name);
  TensorSpec spec = inputs[0];
  spec.dims = {std::max<std::int64_t>(1, rows * (inputs[0].elements_per_sample() / inputs[0].dims.at(static_cast<std::size_t>(dimension))))};
  return spec;
}

TensorSpec joined_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  const auto dimension = dimension_of(attributes);
  return resized(inputs[0], dimension,
                 inputs[0].dims.at(static_cast<std::size_t>(dimension)) - attributes.integer("skip_before") - attributes.integer("skip_after") +
                     attributes.integer("from_before") + attributes.integer("from_after"));
}

Work copies(Bytes bytes, Pass pass) {
  return pass == Pass::weight_gradient ? Work{} : Work{.read = bytes, .written = bytes};
}

Work smaller_copy(const LayerContext& context, Pass pass) {
  return copies(std::min(context.inputs[0].bytes(context.batch), context.output.bytes(context.batch)), pass);
}

/// Of the part; of all ranks' samples where those are dealt out, as the layer counts its own.
Work dealt_copy(const LayerContext& context, Pass pass) {
  const bool samples = division_after(context.attributes).dimension == kSamples;
  return copies(context.inputs[0].bytes(context.batch) * (samples ? context.attributes.integer("ranks") : 1), pass);
}

/// Own strips only.
Work strips_copy(const LayerContext& context, Pass pass) {
  const auto& a = context.attributes;
  const Around part = around(context.inputs[0], context.batch, static_cast<std::int64_t>(dimension_of(a)));
  const std::int64_t rows = a.integer("to_before") + a.integer("to_after");
  return copies(bytes_of(context.inputs[0].type) * part.outer * part.inner * rows, pass);
}

Work joined_copy(const LayerContext& context, Pass pass) { return copies(context.output.bytes(context.batch), pass); }

/// Forward costs nothing here; backward adds to the gradient of a tensor that has other readers, else nothing either.
Work exchange_work(const LayerContext& context, Pass pass) {
  if (pass != Pass::input_gradient) return {};
  const Bytes bytes = context.output.bytes(context.batch);
  return {.elementwise = context.output.elements(context.batch), .read = bytes * 2, .written = bytes};
}

LayerKind kind(std::string_view name, std::string_view meaning, std::span<const AttributeSpec> attributes,
               std::size_t inputs, TensorSpec (*output)(const Attributes&, std::span<const TensorSpec>),
               Work (*work)(const LayerContext&, Pass)) {
  return {.name = name,
          .meaning = meaning,
          .attributes = attributes,
          .inputs = inputs,
          .output = output,
          .parameters = none,
          .kept = keeps_nothing,
          .work = work};
}

const std::array<LayerKind, 9>& kinds() {
  static const std::array<LayerKind, 9> kKinds{
      kind("put_block", "a part into its block of the packed tensor", kBlocks, 1, whole_output, smaller_copy),
      kind("unpack", "the packed tensor in its own order", kBlocks, 1, same, smaller_copy),
      kind("pack", "the tensor with one block per rank", kBlocks, 1, same, smaller_copy),
      kind("take_block", "a part out of its block of the packed tensor", kBlocks, 1, own_output, smaller_copy),
      kind("halo_send", "rows that the neighbours need", kStrips, 1, strips_output, strips_copy),
      kind("halo_join", "own rows and those of the neighbours", kStrips, 2, joined_output, joined_copy),
      kind("exchange", "a collective in place", {}, 1, same, exchange_work),
      kind("deal", "a part, with a block for each rank", kTwoSplits, 1, dealt_output, dealt_copy),
      kind("take_dealt", "a part of another split out of the blocks of all ranks", kTwoSplits, 1, taken_output,
           joined_copy)};
  return kKinds;
}

}  // namespace

const LayerKind& put_block_kind() { return kinds()[0]; }
const LayerKind& unpack_kind() { return kinds()[1]; }
const LayerKind& pack_kind() { return kinds()[2]; }
const LayerKind& take_block_kind() { return kinds()[3]; }
const LayerKind& halo_send_kind() { return kinds()[4]; }
const LayerKind& halo_join_kind() { return kinds()[5]; }
const LayerKind& exchange_kind() { return kinds()[6]; }
const LayerKind& deal_kind() { return kinds()[7]; }
const LayerKind& take_dealt_kind() { return kinds()[8]; }

Division division(const Attributes& attributes) {
  return {attributes.integer("dimension"), attributes.integer("blocks"), attributes.integer("length")};
}

Division division_after(const Attributes& attributes) {
  return {attributes.integer("to_dimension"), attributes.integer("to_blocks"), attributes.integer("to_length")};
}

bool is_conversion(const LayerKind& kind) { return &kind >= kinds().data() && &kind < kinds().data() + kinds().size(); }

Around around(const TensorSpec& spec, std::int64_t batch, std::int64_t dimension) {
  if (dimension == kSamples) return {1, batch, spec.elements_per_sample()};
  invariant(dimension >= 0 && dimension < std::ssize(spec.dims), "the dimension is one of the tensor's");
  Around sizes{spec.per_sample ? batch : 1, spec.dims[static_cast<std::size_t>(dimension)], 1};
  for (std::int64_t i = 0; i < std::ssize(spec.dims); ++i) {
    if (i < dimension) sizes.outer *= spec.dims[static_cast<std::size_t>(i)];
    if (i > dimension) sizes.inner *= spec.dims[static_cast<std::size_t>(i)];
  }
  return sizes;
}

}  // namespace tandem

// rotary: turns the pairs (i, i + d/2) of each head by position * base^(-2i/d) (2104.09864; pairs as Hugging Face's).

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "heads",
     .fallback = {},
     .low = 1,
     .high = 65'536,
     .meaning = "must divide the columns",
     .in_signature = true},
    {.name = "base", .fallback = 10'000, .low = 1, .high = 1e12, .meaning = "of the frequencies", .whole = false},
    {.name = "factor", .fallback = 1, .low = 1, .high = 1e6, .meaning = "divides the frequencies", .whole = false},
    {.name = "original_positions",
     .fallback = 0,
     .low = 0,
     .high = kLargestSize,
     .meaning = "trained with; 0: the factor divides every frequency, else the low ones (Llama 3)"},
    {.name = "low_frequency_factor",
     .fallback = 1,
     .low = 1e-3,
     .high = 1e6,
     .meaning = "fewer turns than this over the original positions: divided",
     .whole = false},
    {.name = "high_frequency_factor",
     .fallback = 4,
     .low = 1e-3,
     .high = 1e6,
     .meaning = "more turns than this: as they are; in between: blended",
     .whole = false},
};

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 2);
  const auto heads = attributes.integer("heads");
  if (inputs[0].dims.size() != 2 || inputs[0].columns() % (2 * heads) != 0) {
    throw InputError(fmt::format("{} heads of pairs cannot share the input", heads), shape_text(inputs[0].dims),
                     fmt::format("[sequence, columns] with columns a multiple of {}", 2 * heads));
  }
  if (attributes.integer("original_positions") > 0 &&
      attributes.number("high_frequency_factor") <= attributes.number("low_frequency_factor")) {
    throw InputError("high_frequency_factor is not above low_frequency_factor",
                     fmt::format("{} and {}", attributes.number("high_frequency_factor"),
                                 attributes.number("low_frequency_factor")),
                     "a higher one");
  }
  return inputs[0];
}

/// Cosine and sine of every pair at every position, computed once a call.
std::int64_t angles(const LayerContext& context) {
  return context.output.elements_per_sample() / context.attributes.integer("heads");
}

Work work(const LayerContext& context, Pass pass) {
  if (pass == Pass::weight_gradient) return {};
  const Bytes tensor = context.output.bytes(context.batch);
  return {.elementwise = 3 * context.output.elements(context.batch),  // two products and a sum a value
          .transcendentals = angles(context),
          .read = tensor,
          .written = tensor};
}

Bytes scratch(const LayerContext& context, Pass pass) {
  return pass == Pass::weight_gradient ? Bytes{} : float_bytes(angles(context));
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  std::vector<LayoutRule> rules{{.name = "heads",
                                 .inputs = {split(1)},
                                 .output = split(1),
                                 .parameters = {},
                                 .local_sizes = {"heads"}}};
  for (auto& rule : position_rules(inputs[0])) rules.push_back(std::move(rule));
  return rules;
}

}  // namespace

LayerKind rotary_kind() {
  return {.name = "rotary",
          .meaning = "turns the pairs of each head by an angle that grows with the position",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work,
          .scratch = scratch,
          .rules = rules};
}

}  // namespace tandem

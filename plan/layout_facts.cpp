// What follows from a layout rule alone, and how a layout reads.

#include <fmt/format.h>

#include <algorithm>

#include "plan/layouts.hpp"

namespace tandem {
namespace {

using Form = AxisLayout::Form;

bool is_split(const AxisLayout& layout) { return layout.form == Form::split; }

}  // namespace

bool repeats_work(const LayoutRule& rule) {
  return rule.output == kReplicated && std::none_of(rule.inputs.begin(), rule.inputs.end(), is_split);
}

bool input_gradient_is_partial(const LayoutRule& rule, std::size_t input) {
  return rule.inputs[input] == kReplicated && !(rule.output == kReplicated);
}

bool parameter_gradient_is_partial(const LayoutRule& rule, std::size_t parameter) {
  const bool own_samples = rule.name == "samples";
  return rule.parameters[parameter] == kReplicated && (is_split(rule.output) || own_samples);
}

std::string to_text(const AxisLayout& layout) {
  if (layout.form == Form::replicated) return "replicated";
  if (layout.form == Form::partial) return "partial";
  if (layout.dimension == kSamples) return "split(samples)";
  return layout.blocks == 1 ? fmt::format("split({})", layout.dimension)
                            : fmt::format("split({}, {} blocks)", layout.dimension, layout.blocks);
}

}  // namespace tandem

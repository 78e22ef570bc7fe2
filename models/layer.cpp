#include "models/layer.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"

namespace tandem {

namespace {

/// Far more than any machine holds, and low enough that operations per element and bytes stay within 64 bits.
constexpr std::int64_t kMostElements = std::int64_t{1} << 53;

std::int64_t checked_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  const bool overflow = __builtin_mul_overflow(a, b, &product);
  if (overflow || product > kMostElements) throw InputError("a tensor is too large", {}, "at most 2^53 elements");
  return product;
}

}  // namespace

std::string shape_text(std::span<const std::int64_t> dims) {
  return dims.empty() ? "1" : fmt::format("{}", fmt::join(dims, "x"));
}

std::int64_t element_count(std::span<const std::int64_t> dims) {
  std::int64_t count = 1;
  for (const auto dim : dims) count = checked_product(count, dim);
  return count;
}

TensorSpec stored_as(TensorSpec spec, ElementType real) {
  if (is_real(spec.type)) spec.type = spec.statistic ? ElementType::float32 : real;
  return spec;
}

std::string_view precision_name(ElementType real) {
  invariant(is_real(real), "a precision is that of real values");
  return real == ElementType::float32 ? "fp32" : "bf16";
}

std::optional<ElementType> find_precision(std::string_view name) {
  for (const ElementType type : {ElementType::float32, ElementType::bfloat16})
    if (name == precision_name(type)) return type;
  return {};
}

std::int64_t TensorSpec::elements_per_sample() const { return element_count(dims); }

std::int64_t TensorSpec::elements(std::int64_t batch) const {
  return checked_product(elements_per_sample(), per_sample ? batch : 1);
}

std::int64_t TensorSpec::columns() const { return dims.empty() ? 1 : dims.back(); }

std::int64_t TensorSpec::rows(std::int64_t batch) const {
  const auto per_batch = per_sample ? batch : 1;
  return dims.empty() ? per_batch : checked_product(element_count(std::span(dims).first(dims.size() - 1)), per_batch);
}

double Attributes::number(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &Value::name);
  invariant(found != values.end(), "a layer reads only attributes that its kind declares");
  return found->value;
}

std::int64_t Attributes::integer(std::string_view name) const {
  const double value = number(name);
  invariant(value == std::floor(value), "an attribute declared whole is whole");
  return static_cast<std::int64_t>(value);
}

std::string_view letter_of(Pass pass) {
  switch (pass) {
    case Pass::forward: return "F";
    case Pass::input_gradient: return "I";
    case Pass::weight_gradient: return "W";
  }
  invariant(false, "a pass is F, I or W");
  return {};
}

ElementType stored_type(std::span<const TensorSpec> inputs, const TensorSpec& output) {
  const auto is_short = [](const TensorSpec& spec) { return spec.type == ElementType::bfloat16; };
  return is_short(output) || std::ranges::any_of(inputs, is_short) ? ElementType::bfloat16 : ElementType::float32;
}

ElementType LayerContext::stored() const { return stored_type(inputs, output); }

Work work_of(const LayerKind& kind, const LayerContext& context, Pass pass) {
  Work work = kind.work(context, pass);
  work.type = context.stored();
  return work;
}

Flops Work::flops() const {
  Flops total{static_cast<Flops::Count>(elementwise) + transcendentals};
  for (const auto& product : products) total += product.flops();
  return total;
}

const LayerKind& find_layer_kind(std::string_view name) {
  const auto kinds = layer_kinds();
  const auto found = std::ranges::find(kinds, name, &LayerKind::name);
  if (found != kinds.end()) return *found;
  std::vector<std::string> names;
  for (const auto& kind : kinds) names.emplace_back(kind.name);
  throw InputError("unknown layer kind" + did_you_mean(name, names), name, fmt::format("one of {}", fmt::join(names, ", ")));
}

}  // namespace tandem

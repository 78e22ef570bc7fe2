#pragma once
// One layer kind by itself, applied to inputs of given shapes.

#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/models/definitions.hpp"

namespace tandem {

inline constexpr Pass F = Pass::forward, I = Pass::input_gradient, W = Pass::weight_gradient;

/// One layer of `kind` applied by hand to inputs of these shapes.
struct Applied {
  const LayerKind& kind;
  Attributes attributes;
  std::vector<TensorSpec> inputs;
  TensorSpec output = kind.output(attributes, inputs);

  Work work(Pass pass, std::int64_t batch) const { return kind.work({attributes, inputs, output, batch}, pass); }
  Kept kept() const { return kind.kept(attributes, inputs, output); }
  std::vector<ParameterSpec> parameters() const { return kind.parameters(attributes, inputs); }
};

inline Applied apply(std::string_view kind, std::vector<TensorSpec> inputs, std::vector<Attributes::Value> given = {}) {
  const auto& row = find_layer_kind(kind);
  Attributes attributes;
  for (const auto& spec : row.attributes) attributes.values.push_back({std::string(spec.name), spec.fallback.value_or(0)});
  for (const auto& [name, value] : given) {
    for (auto& attribute : attributes.values) {
      if (attribute.name == name) attribute.value = value;
    }
  }
  return {row, attributes, std::move(inputs)};
}

inline TensorSpec real(std::vector<std::int64_t> dims) { return {.dims = std::move(dims)}; }
inline TensorSpec statistic(std::vector<std::int64_t> dims) { return {.dims = std::move(dims), .statistic = true}; }
inline TensorSpec whole(std::vector<std::int64_t> dims) { return {.dims = std::move(dims), .type = ElementType::int32}; }

inline bool is_nothing(const Work& work) {
  return work.flops() == Flops{0} && work.read == Bytes{0} && work.written == Bytes{0};
}

inline void check_product(const Work& work, std::size_t index, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t count) {
  REQUIRE(work.products.size() > index);
  const auto& product = work.products[index];
  CHECK(std::vector{product.m, product.n, product.k, product.count} == std::vector{m, n, k, count});
}

}  // namespace tandem

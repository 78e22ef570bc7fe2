#pragma once
// A model's definitions with every name resolved: kinds, attributes with their defaults, inputs by index.

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/model.hpp"

namespace tandem {

/// A definition whose names are resolved; `inputs` are indices of definitions.
struct ResolvedLayer {
  const LayerKind* kind = nullptr;
  Attributes attributes;
  std::vector<std::size_t> inputs;
};

/// One entry per definition. Throws InputError for everything that can be wrong before the layers are ordered.
std::vector<ResolvedLayer> resolve(const std::vector<LayerDefinition>& definitions);

/// The definition's attributes in the kind's order, defaults filled in. Throws InputError.
Attributes resolve_attributes(const LayerDefinition& definition, const LayerKind& kind);

/// Throws InputError naming the layer, at its position where it has one.
[[noreturn]] void refuse(const LayerDefinition& definition, std::string_view problem, std::string_view got = {},
                         std::string_view want = {});

/// What an error without a position says, without the word that every error starts with; valid as long as the error.
std::string_view problem_of(const InputError& error);

/// Indices of the definitions such that every input stands before its readers: the order in which they were written
/// as far as possible, each source of data directly before its first reader. Throws InputError that prints a cycle.
std::vector<std::size_t> topological_order(const std::vector<LayerDefinition>& definitions,
                                           const std::vector<ResolvedLayer>& layers);

}  // namespace tandem

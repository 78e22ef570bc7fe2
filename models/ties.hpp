#pragma once
// Ties: a layer's weight that is another layer's parameter.

#include <vector>

#include "models/model.hpp"

namespace tandem {

/// Sets `tied_to` where a definition asks for it. `order` holds the definitions' indices by layer id. Throws InputError: an
/// unknown owner, one that is tied itself or has such a user already, unequal shapes.
void tie_all(const std::vector<LayerDefinition>& definitions, const std::vector<std::size_t>& order,
             std::vector<Parameter>& parameters);

}  // namespace tandem

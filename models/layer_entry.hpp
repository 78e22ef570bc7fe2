#pragma once
// One layer of a model file: its kind and attributes, with the place of whatever is wrong with them.

#include <string>

#include "base/yaml.hpp"
#include "models/model.hpp"

namespace tandem {

/// The layer under its full name; `inputs` and `tie` stay empty, because they name layers that are yet to be read.
LayerDefinition read_layer(const YamlNode& node, std::string name);

}  // namespace tandem

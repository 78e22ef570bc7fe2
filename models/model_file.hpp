#pragma once
// Reads a model file (docs/model-file.md): layers as written, blocks repeated, names resolved block by block.

#include "base/yaml.hpp"
#include "models/model.hpp"

namespace tandem {

/// Throws InputError at the place that is wrong.
Model read_model_file(const YamlNode& file, DropoutUse dropout = DropoutUse::off);

}  // namespace tandem

#pragma once
// A model as text: what load_model() reads, before it is read.

#include <cstdint>
#include <string>
#include <vector>

#include "models/model.hpp"

namespace tandem {

struct ModelText {
  std::string text;
  std::string file;        ///< in messages
  std::string model_name;  ///< of a configuration; a model file has its own
  bool is_configuration = false;  ///< a Hugging Face config.json, else a model file
  DropoutUse dropout = DropoutUse::off;
};

/// By what a person calls the model, as load_model(). Throws InputError.
ModelText find_model_text(const std::string& name_or_path);
Model read_model(const ModelText& source);

/// Sets what every layer that drops values keeps for backward; `off` changes nothing.
void use_dropout(std::vector<LayerDefinition>& definitions, DropoutUse use);

/// A model whose repeated block may be repeated another number of times: its depth.
class ModelFamily {
 public:
  /// A model file with one `repeat`, or a configuration with `n_layer` or `num_hidden_layers`. Throws InputError where
  /// there is no such number, or several.
  explicit ModelFamily(const std::string& name_or_path, DropoutUse dropout = DropoutUse::off);

  std::int64_t depth() const { return depth_; }  ///< as written
  Model at(std::int64_t depth) const;

 private:
  ModelText source_;
  std::int64_t depth_ = 0;
  std::size_t offset_ = 0, length_ = 0;  ///< of the number in the text
};

}  // namespace tandem

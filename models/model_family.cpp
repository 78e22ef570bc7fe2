#include <fmt/format.h>

#include <vector>

#include "base/yaml.hpp"
#include "models/hugging_face/json.hpp"
#include "models/model_text.hpp"

namespace tandem {
namespace {

struct WrittenNumber {
  std::int64_t value;
  TextPosition position;
};

std::vector<WrittenNumber> depths_of(const ModelText& source) {
  constexpr std::int64_t kMost = 1'000'000;
  std::vector<WrittenNumber> found;
  if (source.is_configuration) {
    const JsonValue file = parse_json(source.text, source.file);
    for (const std::string_view name : {"n_layer", "num_hidden_layers"})
      if (const JsonValue* value = file.find(name)) found.push_back({value->integer(1, kMost), value->position});
    return found;
  }
  const YamlNode file = parse_yaml(source.text, source.file);
  for (const YamlNode& layer : file.at("layers").items())
    if (const YamlNode* times = layer.find("repeat")) found.push_back({times->integer(1, kMost), times->position()});
  return found;
}

/// Of the first byte of a line and column, both from 1.
std::size_t offset_of(const std::string& text, const TextPosition& position) {
  std::size_t start = 0;
  for (int line = 1; line < position.line; ++line) start = text.find('\n', start) + 1;
  return start + static_cast<std::size_t>(position.column) - 1;
}

}  // namespace

ModelFamily::ModelFamily(const std::string& name_or_path, DropoutUse dropout) : source_(find_model_text(name_or_path)) {
  source_.dropout = dropout;
  const std::vector<WrittenNumber> found = depths_of(source_);
  if (found.size() != 1)
    throw InputError("the model has no one depth that could grow", fmt::format("{} repeated blocks", found.size()),
                     "a model file with one `repeat`, or a configuration with n_layer or num_hidden_layers");
  depth_ = found.front().value;
  const std::string written = fmt::format("{}", depth_);
  offset_ = offset_of(source_.text, found.front().position);
  length_ = written.size();
  if (source_.text.compare(offset_, length_, written) != 0)
    throw InputError(found.front().position, "the depth is not written as a plain number", {}, written);
}

Model ModelFamily::at(std::int64_t depth) const {
  ModelText changed = source_;
  changed.text.replace(offset_, length_, fmt::format("{}", depth));
  return read_model(changed);
}

}  // namespace tandem

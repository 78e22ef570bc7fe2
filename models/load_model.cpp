// Finds a model by what a person calls it: a name of the zoo, a model file, a Hugging Face config.json or its folder.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/hugging_face/config.hpp"
#include "models/model_file.hpp"
#include "models/model_text.hpp"
#include "models/zoo_files.hpp"

namespace tandem {

namespace {

constexpr std::string_view kExtension = ".yaml";
constexpr Bytes kLargestConfig{1'000'000}, kLargestModelFile{1'000'000};

std::string_view model_name(const EmbeddedFile& file) { return file.name.substr(0, file.name.size() - kExtension.size()); }

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// What people call the model: the file's name, or its folder's where the file is a plain config.json.
std::string name_of_config(const std::filesystem::path& path) {
  const auto stem = path.stem().string();
  const auto folder = std::filesystem::absolute(path).parent_path().filename().string();
  return stem == "config" && !folder.empty() ? folder : stem;
}

ModelText read_config(const std::string& path) {
  return {read_text(path, kLargestConfig), path, name_of_config(path), true};
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  const auto names = zoo_names();
  throw InputError("unknown model" + did_you_mean(name, names), name,
                   fmt::format("one of {}, or a path to *.yaml or config.json", fmt::join(names, ", ")));
}

}  // namespace

std::vector<std::string> zoo_names() {
  std::vector<std::string> names;
  for (const auto& file : zoo_files()) names.emplace_back(model_name(file));
  std::ranges::sort(names);  // "gpt2.yaml" stands behind "gpt2-xl.yaml"
  return names;
}

ModelText find_model_text(const std::string& name_or_path) {
  const auto found = std::ranges::find(zoo_files(), name_or_path, model_name);
  if (found != zoo_files().end()) return {std::string(found->text), std::string(found->name), {}, false};
  if (name_or_path.ends_with(".yaml") || name_or_path.ends_with(".yml"))
    return {read_text(name_or_path, kLargestModelFile), name_or_path, {}, false};
  if (name_or_path.ends_with(".json")) return read_config(name_or_path);
  if (is_folder(name_or_path)) return read_config((std::filesystem::path(name_or_path) / "config.json").string());
  refuse_unknown(name_or_path);
}

Model read_model(const ModelText& source) {
  if (source.is_configuration) return read_hugging_face_config(source.text, source.file, source.model_name, source.dropout);
  return read_model_file(parse_yaml(source.text, source.file), source.dropout);
}

Model load_model(const std::string& name_or_path, DropoutUse dropout) {
  ModelText source = find_model_text(name_or_path);
  source.dropout = dropout;
  return read_model(source);
}

}  // namespace tandem

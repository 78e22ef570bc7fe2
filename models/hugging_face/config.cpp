#include "models/hugging_face/config.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/model_text.hpp"

namespace tandem {

namespace {

constexpr std::string_view kDataTypes = "float32 float16 bfloat16 float64";

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return words;
}

/// The value that a name with dots leads to; nullptr where a key on the way is missing or null.
const JsonValue* find_path(const JsonValue& file, std::string_view path) {
  const JsonValue* value = &file;
  while (value != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return value;
}

/// Throws unless the word, where it is present, is one of those allowed.
void check_word(const JsonValue& file, std::string_view name, std::string_view allowed) {
  const auto* value = find_path(file, name);
  if (value == nullptr) return;
  const auto known = words_of(allowed);
  if (std::ranges::find(known, value->word()) != known.end()) return;
  value->fail(fmt::format("unsupported {}{}", name, did_you_mean(value->text, known)), value->text,
              fmt::format("one of {}", fmt::join(known, ", ")));
}

void refuse_quantization(const JsonValue& file) {
  const auto* value = file.find("quantization_config");
  if (value != nullptr) value->fail("quantization_config: a quantized model cannot be trained", {}, "a model without it");
}

const Architecture& find_architecture(const JsonValue& file) {
  std::vector<std::string> names;
  for (const auto& architecture : architectures()) names.emplace_back(architecture.model_type);
  const auto supported = fmt::format("one of the supported: {}", fmt::join(names, ", "));
  const auto* type = file.find("model_type");
  if (type == nullptr) file.fail("missing key \"model_type\"", {}, supported);
  const auto found = std::ranges::find(architectures(), type->word(), &Architecture::model_type);
  if (found == architectures().end()) type->fail("unsupported model_type", type->text, supported);
  return *found;
}

}  // namespace

/// Fills a Config from a file by an architecture's row.
class ConfigReader {
 public:
  ConfigReader(const JsonValue& file, const Architecture& architecture, DropoutUse dropout) : file_(file) {
    config_.drops_ = dropout != DropoutUse::off;
    config_.position_ = file.position;
    for (const auto& field : architecture.numbers) read(field);
    for (const auto& field : architecture.switches) read(field);
    for (const auto& field : architecture.words) read(field);
    for (const auto& field : architecture.counts) read(field);
  }

  Config config() && { return std::move(config_); }

 private:
  static double value_of(const JsonValue& value, const ConfigNumber& field) {
    if (!field.whole) return value.real(field.low, field.high);
    return static_cast<double>(
        value.integer(static_cast<std::int64_t>(field.low), static_cast<std::int64_t>(field.high)));
  }

  static void check_agreement(const JsonValue& value, double number, std::string_view name, double earlier,
                              std::string_view earlier_name) {
    if (number == earlier) return;
    value.fail(fmt::format("{} and {} mean the same but differ", earlier_name, name),
               fmt::format("{} and {}", earlier, number), "one value");
  }

  void read(const ConfigNumber& field) {
    const auto names = words_of(field.names);
    const auto key = field.names.substr(0, names.front().size());
    std::string earlier;
    for (const auto& name : names) {
      const auto* value = find_path(file_, name);
      if (value == nullptr) continue;
      const double number = value_of(*value, field);
      if (!earlier.empty()) check_agreement(*value, number, name, config_.numbers_[key], earlier);
      config_.numbers_[key] = number;
      earlier = name;
    }
    if (earlier.empty()) read_absent(field, key);
  }

  void read_absent(const ConfigNumber& field, std::string_view key) {
    if (field.fallback) config_.numbers_[key] = *field.fallback;
    else if (field.required) file_.fail(fmt::format("missing key \"{}\"", key));
  }

  void read(const ConfigWord& field) {
    const auto names = words_of(field.names);
    auto& word = config_.words_[field.names.substr(0, names.front().size())];
    word = field.fallback;
    for (const auto& name : names) {
      check_word(file_, name, field.allowed);
      if (const auto* value = find_path(file_, name)) word = value->word();
    }
  }

  void read(const ConfigCount& field) {
    const auto* value = file_.find(field.name);
    if (value != nullptr) value->find({});  // refuses what is no map
    const auto count = value == nullptr ? field.fallback : static_cast<double>(value->entries.size());
    if (count < field.low || count > field.high) {
      value->fail(fmt::format("{} has a number of entries out of range", field.name), fmt::format("{}", count),
                  fmt::format("{} to {}", field.low, field.high));
    }
    config_.numbers_[field.name] = count;
  }

  void read(const ConfigSwitch& field) {
    const auto* value = find_path(file_, field.name);
    const bool is_set = value == nullptr ? field.fallback : value->boolean();
    if (field.only && is_set != *field.only) {
      value->fail(fmt::format("unsupported {}", field.name), value->shown(), *field.only ? "true" : "false");
    }
    config_.switches_[field.name] = is_set;
  }

  const JsonValue& file_;
  Config config_;
};

double Config::number(std::string_view name) const {
  const auto found = numbers_.find(name);
  invariant(found != numbers_.end(), "an architecture reads only numbers that its row names");
  return found->second;
}

double Config::number_or(std::string_view name, double absent) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? absent : found->second;
}

double Config::rate(std::string_view name) const { return drops_ ? number(name) : 0; }

bool Config::is_set(std::string_view name) const {
  const auto found = switches_.find(name);
  invariant(found != switches_.end(), "an architecture reads only switches that its row names");
  return found->second;
}

std::string_view Config::word(std::string_view name) const {
  const auto found = words_.find(name);
  invariant(found != words_.end(), "an architecture reads only words that its row names");
  return found->second;
}

void Config::fail(std::string_view problem, std::string_view got, std::string_view want) const {
  throw InputError(position_, problem, got, want);
}

Model read_hugging_face_config(std::string_view text, const std::string& file, std::string model_name,
                               DropoutUse dropout) {
  const auto json = parse_json(text, file);
  const auto& architecture = find_architecture(json);
  refuse_quantization(json);
  check_word(json, "torch_dtype", kDataTypes);
  check_word(json, "dtype", kDataTypes);
  auto definitions = architecture.build(ConfigReader(json, architecture, dropout).config());
  for (auto& definition : definitions) definition.position = {file};
  use_dropout(definitions, dropout);
  return Model(std::move(model_name), definitions);
}

}  // namespace tandem

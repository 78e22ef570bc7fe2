#pragma once
// Reads a Hugging Face config.json: one row per architecture says which fields it has and what layers they describe.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/hugging_face/json.hpp"
#include "models/model.hpp"

namespace tandem {

/// One number of a configuration, under all the names that it goes by, separated by spaces. A dot in a name leads into
/// a map: "rope_scaling.factor".
struct ConfigNumber {
  std::string_view names;  ///< "n_embd hidden_size"; the first is the one that build() asks for
  double low, high;
  std::optional<double> fallback = {};
  bool required = true;  ///< only looked at without a fallback
  bool whole = true;
};

/// A switch; where `only` is given, the other value changes the computation in a way that is not implemented.
struct ConfigSwitch {
  std::string_view name;
  bool fallback;
  std::optional<bool> only = {};
};

/// A word of which only some values, separated by spaces, are implemented. `names` as those of a number.
struct ConfigWord {
  std::string_view names;
  std::string_view allowed;
  std::string_view fallback = {};
};

/// The number of entries of a map.
struct ConfigCount {
  std::string_view name;
  double low, high;
  double fallback;
};

/// The values of one config.json, checked against the architecture's fields.
class Config {
 public:
  std::int64_t integer(std::string_view name) const { return static_cast<std::int64_t>(number(name)); }
  double number(std::string_view name) const;                ///< one that is required or has a fallback
  double number_or(std::string_view name, double absent) const;
  double rate(std::string_view name) const;                  ///< a number; 0 where dropout is off
  bool is_set(std::string_view name) const;                  ///< a switch
  std::string_view word(std::string_view name) const;        ///< empty where absent without a fallback
  [[noreturn]] void fail(std::string_view problem, std::string_view got = {}, std::string_view want = {}) const;

 private:
  friend class ConfigReader;
  TextPosition position_;
  bool drops_ = false;
  std::map<std::string_view, double> numbers_;
  std::map<std::string_view, bool> switches_;
  std::map<std::string_view, std::string> words_;
};

struct Architecture {
  std::string_view model_type;
  std::span<const ConfigNumber> numbers;
  std::span<const ConfigSwitch> switches;
  std::span<const ConfigWord> words;
  std::span<const ConfigCount> counts = {};
  std::vector<LayerDefinition> (*build)(const Config& config);
};

/// All architectures, sorted by model_type.
std::span<const Architecture> architectures();

/// `text` is the file's content, `file` its name in messages. `dropout`: whether the rates of the file are used. Settings
/// of text generation are not read. Throws InputError.
Model read_hugging_face_config(std::string_view text, const std::string& file, std::string model_name,
                               DropoutUse dropout = DropoutUse::off);

}  // namespace tandem

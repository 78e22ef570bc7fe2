#pragma once
// The command line of one command: flags as a table, strict parsing, one-line errors.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace tandem {

struct Flag {
  std::string name;     ///< "micro-batches", given as --micro-batches N
  std::string value;    ///< what stands for its value in --help; "": a switch
  std::string meaning;
  std::string group{};  ///< heading in --help under which it stands; flags of a group are neighbours
};

/// What one command accepts, and the text of its --help.
struct CommandLine {
  std::string usage;                     ///< "tandem check [PLAN.yaml] [flags]"
  std::string meaning;                   ///< a paragraph
  std::vector<Flag> flags;               ///< --help and --json are not listed: every command has them
  std::size_t most_positional = 0;
  std::vector<std::string> examples;
};

class Arguments {
 public:
  bool has(std::string_view flag) const { return values_.count(std::string(flag)) > 0; }
  std::optional<std::string> text(std::string_view flag) const;
  /// The value as a whole number; `fallback` when the flag is absent. Throws InputError naming the flag.
  std::int64_t integer(std::string_view flag, std::int64_t low, std::int64_t high, std::int64_t fallback) const;
  double number(std::string_view flag, double low, double high, double fallback) const;
  const std::vector<std::string>& positional() const { return positional_; }
  /// Leaves out the first positional word, where it names something other than a plan.
  void drop_first_word() { positional_.erase(positional_.begin()); }

 private:
  friend Arguments parse_arguments(const CommandLine&, const std::vector<std::string>&);
  std::map<std::string, std::string> values_;
  std::vector<std::string> positional_;
};

/// Throws InputError: an unknown flag (with a "did you mean"), a missing value, a flag twice, too many words.
Arguments parse_arguments(const CommandLine& line, const std::vector<std::string>& words);
std::string help_text(const CommandLine& line);

/// parse_integer / parse_number with the flag named in the error.
std::int64_t flag_integer(std::string_view flag, const std::string& value, std::int64_t low, std::int64_t high);
Bytes flag_bytes(std::string_view flag, const std::string& value);
double flag_number(std::string_view flag, const std::string& value, double low, double high);

}  // namespace tandem

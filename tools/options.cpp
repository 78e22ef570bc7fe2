#include "tools/options.hpp"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

namespace po = boost::program_options;

std::vector<Flag> all_flags(const CommandLine& line) {
  std::vector<Flag> flags = line.flags;
  flags.push_back({"json", "", "print the result as JSON"});
  flags.push_back({"help", "", "print this text"});
  return flags;
}

po::options_description describe(const CommandLine& line) {
  po::options_description description;
  for (const Flag& flag : all_flags(line)) {
    if (flag.value.empty())
      description.add_options()(flag.name.c_str(), flag.meaning.c_str());
    else
      description.add_options()(flag.name.c_str(), po::value<std::string>(), flag.meaning.c_str());
  }
  return description;
}

[[noreturn]] void unknown_flag(const CommandLine& line, const std::string& word) {
  std::vector<std::string> flags;
  for (const Flag& flag : all_flags(line)) flags.push_back("--" + flag.name);
  throw InputError(fmt::format("unknown flag {}{}; see --help", word, did_you_mean(word, flags)));
}

/// "-x", where there are no short flags; but "-1" and "-.5" are values, whose range their flag judges.
bool short_flag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && std::string_view("-.0123456789").find(word[1]) == std::string_view::npos;
}

/// The words, parsed; every failure of the library as one InputError.
po::parsed_options parse(const CommandLine& line, const std::vector<std::string>& words,
                         const po::options_description& description) {
  namespace style = po::command_line_style;
  constexpr int kStyle = style::unix_style & ~style::allow_guessing & ~style::allow_short;
  try {
    return po::command_line_parser(words).options(description).style(kStyle).run();
  } catch (const po::unknown_option& error) {
    unknown_flag(line, error.get_option_name());
  } catch (const po::error_with_option_name& error) {
    throw InputError(fmt::format("{}; see --help", error.what()));
  } catch (const po::error& error) {
    throw InputError(fmt::format("{}; see --help", error.what()));
  }
}

}  // namespace

Arguments parse_arguments(const CommandLine& line, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (short_flag(word)) unknown_flag(line, word);
  const po::options_description description = describe(line);
  Arguments arguments;
  for (const auto& option : parse(line, words, description).options) {
    if (option.position_key >= 0 || option.string_key.empty()) {
      arguments.positional_.insert(arguments.positional_.end(), option.value.begin(), option.value.end());
      continue;
    }
    const std::string value = option.value.empty() ? "" : option.value.front();
    if (!arguments.values_.emplace(option.string_key, value).second)
      throw InputError(fmt::format("flag --{} is given twice", option.string_key));
  }
  if (arguments.positional_.size() > line.most_positional && !arguments.has("help"))
    throw InputError("unexpected word; see --help", arguments.positional_[line.most_positional], line.usage);
  return arguments;
}

std::optional<std::string> Arguments::text(std::string_view flag) const {
  const auto found = values_.find(std::string(flag));
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t flag_integer(std::string_view flag, const std::string& value, std::int64_t low, std::int64_t high) {
  try {
    return parse_integer(value, low, high);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
}

Bytes flag_bytes(std::string_view flag, const std::string& value) {
  try {
    return parse_quantity<Bytes>(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, error.want);
  }
}

double flag_number(std::string_view flag, const std::string& value, double low, double high) {
  const std::string want = fmt::format("a number from {} to {}", low, high);
  double number = 0;
  try {
    number = parse_number(value);
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--{}: {}", flag, error.problem), value, want);
  }
  if (number < low || number > high) throw InputError(fmt::format("--{}: out of range", flag), value, want);
  return number;
}

std::int64_t Arguments::integer(std::string_view flag, std::int64_t low, std::int64_t high, std::int64_t fallback) const {
  const auto value = text(flag);
  return value ? flag_integer(flag, *value, low, high) : fallback;
}

double Arguments::number(std::string_view flag, double low, double high, double fallback) const {
  const auto value = text(flag);
  return value ? flag_number(flag, *value, low, high) : fallback;
}

namespace {

std::string flag_text(const Flag& flag) {
  const std::string head = fmt::format("--{}{}{}", flag.name, flag.value.empty() ? "" : " ", flag.value);
  return wrapped(flag.meaning, fmt::format("  {:<27}", head + " "), std::string(29, ' '));
}

/// "  name  meaning", broken so that the meaning keeps its column.
std::string list_line(const std::string& line) {
  const std::size_t gap = line.rfind("  ");
  const std::size_t column = gap == std::string::npos ? 0 : gap + 2;
  return wrapped(line.substr(column), line.substr(0, column), std::string(column, ' '));
}

/// Lines that begin with a space are a list.
std::string paragraph(const std::string& meaning) {
  std::istringstream lines(meaning);
  std::string text, prose;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ') {
      prose += line + ' ';
      continue;
    }
    if (!prose.empty()) text += wrapped(std::exchange(prose, ""), "");
    text += line.empty() ? "\n" : list_line(line);
  }
  return prose.empty() ? text : text + wrapped(prose, "");
}

}  // namespace

std::string help_text(const CommandLine& line) {
  std::string text = fmt::format("usage: {}\n\n{}\nflags:\n", line.usage, paragraph(line.meaning));
  std::string group;
  for (const Flag& flag : all_flags(line)) {
    if (flag.group != group) text += flag.group.empty() ? "\n" : fmt::format("\n {}:\n", flag.group);
    group = flag.group;
    text += flag_text(flag);
  }
  text += "\nexamples:\n";
  for (const std::string& example : line.examples) text += fmt::format("  {}\n", example);
  return text;
}

}  // namespace tandem

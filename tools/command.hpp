#pragma once
// The subcommands as a table: a function and a row each.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/console.hpp"

namespace tandem {

struct Command {
  std::string_view name;
  std::string_view meaning;
  /// Returns the exit code; throws the errors of base/error.hpp.
  int (*run)(const std::vector<std::string>& words, Console& console);
};

std::span<const Command> commands();

/// Runs `tandem WORDS...`: finds the command, catches every error once, prints it as one line on err, and maps it to the
/// exit code: 0 ok, 1 the answer is no, 2 wrong input, 3 a resource is short, 4 the run failed, 70 a bug of ours.
int run_tandem(const std::vector<std::string>& words, Console& console);

int check_command(const std::vector<std::string>& words, Console& console);
int simulate_command(const std::vector<std::string>& words, Console& console);
int run_command(const std::vector<std::string>& words, Console& console);
int plan_command(const std::vector<std::string>& words, Console& console);
int reduce_command(const std::vector<std::string>& words, Console& console);
int calibrate_command(const std::vector<std::string>& words, Console& console);
int show_command(const std::vector<std::string>& words, Console& console);

}  // namespace tandem

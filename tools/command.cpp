#include "tools/command.hpp"

#include <fmt/format.h>

#include <new>
#include <ostream>

#include "base/error.hpp"

namespace tandem {
namespace {

constexpr Command kCommands[] = {
    {"check", "predict a plan, run it for real, compare: order, memory, numbers, time", check_command},
    {"simulate", "predict a plan's timeline, memory and energy", simulate_command},
    {"run", "train by a plan on this machine's threads", run_command},
    {"plan", "partition a model and write the plan file", plan_command},
    {"reduce", "add up on several threads in several ways: time, lost updates, error", reduce_command},
    {"calibrate", "measure this machine and keep its profile", calibrate_command},
    {"show", "print models, devices, clusters, schedules, a plan or its program", show_command},
};

std::string overview() {
  std::string text =
      "usage: tandem COMMAND [flags]\n\n"
      "Plans how a neural network is split over devices, predicts the timeline, runs the same plan on real threads,\n"
      "and compares the two.\n\ncommands:\n";
  for (const Command& command : kCommands) text += fmt::format("  {:<10} {}\n", command.name, command.meaning);
  text += "\nexamples:\n  tandem check\n  tandem check --model gpt-nano --pp 2 --schedule gpipe\n"
          "  tandem show schedules\n\nEvery command has --help and --json.\n";
  return text;
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
    if (command.name == name) return command;
    names.emplace_back(command.name);
  }
  throw InputError(fmt::format("no such command{}; see tandem --help", did_you_mean(name, names)), name);
}

int dispatch(const std::vector<std::string>& words, Console& console) {
  if (words.empty()) {
    console.err << overview();
    return 2;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    console.out << overview();
    return 0;
  }
  if (words[0] == "--version") {
    console.out << "tandem " TANDEM_VERSION "\n";
    return 0;
  }
  return find_command(words[0]).run({words.begin() + 1, words.end()}, console);
}

/// Runs `body` and turns what it throws into an exit code and one line on err.
template <class Body>
int guarded(Console& console, Body body) {
  const auto say = [&console](std::string_view text, int code) {
    console.err << text << '\n';
    return code;
  };
  try {
    return body();
  } catch (const InputError& error) {
    return say(error.what(), 2);
  } catch (const NoAnswer& error) {
    return say(error.what(), 1);
  } catch (const ResourceError& error) {
    return say(fmt::format("error: {}", error.what()), 3);
  } catch (const RunError& error) {
    return say(fmt::format("error: the run failed: {}", error.what()), 4);
  } catch (const std::bad_alloc&) {
    return say("error: out of memory", 3);
  } catch (const std::exception& error) {
    return say(fmt::format("error: this is a bug in tandem: {}", error.what()), 70);
  }
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_tandem(const std::vector<std::string>& words, Console& console) {
  return guarded(console, [&] {
    const int code = dispatch(words, console);
    console.out.flush();
    if (!console.out) throw ResourceError("cannot write the result to standard output");
    return code;
  });
}

}  // namespace tandem

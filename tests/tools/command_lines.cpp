#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("every command has help with its usage, flags and examples") {
  for (const Command& command : commands()) {
    const Outcome help = typed(fmt::format("{} --help", command.name));

    INFO(help.out);
    CHECK(help.code == 0);
    CHECK_THAT(help.out, StartsWith(fmt::format("usage: tandem {}", command.name)));
    CHECK_THAT(help.out, Contains("\nflags:\n"));
    CHECK_THAT(help.out, Contains("--json") && Contains("--help"));
    CHECK_THAT(help.out, Contains(fmt::format("\nexamples:\n  tandem {}", command.name)));
    CHECK(help.err.empty());
  }
}

TEST_CASE("help wins over what else the line asks for") {
  CHECK(typed("run --help --pp 0").code == 0);
  CHECK(typed("run a b c --help").code == 0);
}

TEST_CASE("the overview names every command") {
  for (const char* word : {"--help", "-h", "help"}) {
    const Outcome overview = typed(word);

    CHECK(overview.code == 0);
    for (const Command& command : commands()) CHECK_THAT(overview.out, Contains(fmt::format("\n  {} ", command.name)));
  }
}

TEST_CASE("without a command the overview goes to the error stream") {
  const Outcome nothing = run_words({});

  CHECK(nothing.code == 2);
  CHECK(nothing.out.empty());
  CHECK_THAT(nothing.err, StartsWith("usage: tandem COMMAND"));
}

TEST_CASE("what a line has wrong is said on one line, with exit code 2") {
  struct Row {
    std::string line, problem;
  };
  const Row row = GENERATE(values<Row>({
      {"chekc", "no such command; did you mean \"check\"?"},
      {"simulate --micro-batche 3", "unknown flag --micro-batche; did you mean \"--micro-batches\"?"},
      {"simulate --micro 3", "unknown flag --micro;"},
      {"simulate -x", "unknown flag -x;"},
      {"simulate --pace 1", "unknown flag --pace;"},
      {"simulate --pp", "--pp"},
      {"simulate --pp=", "--pp"},
      {"simulate --json=yes", "--json"},
      {"simulate --pp 2 --pp 2", "flag --pp is given twice"},
      {"simulate --json --json", "flag --json is given twice"},
      {"simulate a.yaml b.yaml", "unexpected word; see --help; got \"b.yaml\""},
      {"show", "show what?"},
      {"show scheduls", "no such subject; did you mean \"schedules\"?"},
      {"simulate --schedule 1f2b", "no such schedule; did you mean \"1f1b\"?"},
      {"simulate --model mpl --on k80-x4", "unknown model; did you mean \"mlp\"?"},
      {"simulate --on k80-x5", "unknown cluster; did you mean \"k80-x"},
      {"simulate --optimizer adm", "did you mean \"adam\"?"},
      {"simulate --on tesla-k80 --cost measurd", "did you mean \"measured\"?"},
  }));
  const MeasuredMachine here;

  const Outcome outcome = typed(row.line);

  INFO(row.line << "\n" << outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Contains("error: ") && Contains(row.problem));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("a count is a whole number in its range, written plainly") {
  const std::string value = GENERATE("-1", "0", "1e3", "0x10", "", "99999999999999999999", " 2", "+2", "2.0", "010");
  const std::string flag = GENERATE("--pp", "--micro-batches", "--iterations");

  const Outcome outcome = run_words({"simulate", "--model", "mlp", "--on", "tesla-k80:4", flag, value});

  INFO(flag << " " << value << "\n" << outcome.err);
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, StartsWith("error: " + flag + ": ") && Contains("want a whole number from 1 to 4294967295"));
}

TEST_CASE("a number is finite and in its range") {
  struct Row {
    std::string command, flag, value;
  };
  const Row row = GENERATE(values<Row>({{"run", "--pace", "0"},
                                        {"run", "--pace", "-1"},
                                        {"run", "--pace", "nan"},
                                        {"run", "--pace", "inf"},
                                        {"run", "--pace", "1,5"},
                                        {"check", "--pace", "0"},
                                        {"check", "--tolerance", "-1"},
                                        {"check", "--rounds", "0"},
                                        {"run", "--stall-after", "0"},
                                        {"run", "--learning-rate", "-0.1"},
                                        {"run", "--learning-rate", "-.1"},
                                        {"run", "--window", "1025"},
                                        {"run", "--seed", "-3"},
                                        {"run", "--seed", "9223372036854775808"},
                                        {"calibrate", "--rounds", "0"}}));

  const Outcome outcome = run_words({row.command, "--model", "linear-regression", row.flag, row.value});

  INFO(row.flag << " " << row.value << "\n" << outcome.err);
  if (row.command != "calibrate") CHECK(outcome.out.empty());
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, StartsWith("error: " + row.flag + ": "));
}

TEST_CASE("every subject of show prints JSON that parses") {
  const MeasuredMachine here;
  for (const char* subject : {"models", "layers", "model", "devices", "clusters", "schedules", "schedule", "plan", "program"}) {
    const Outcome outcome = typed(fmt::format("show {} --json", subject));

    INFO(subject << outcome.err);
    CHECK(outcome.code == 0);
    CHECK_FALSE(nlohmann::json::parse(outcome.out).empty());
  }
}

TEST_CASE("the tool tells its version") {
  const Outcome outcome = run_words({"--version"});

  CHECK(outcome.code == 0);
  CHECK(outcome.out.rfind("tandem ", 0) == 0);
}

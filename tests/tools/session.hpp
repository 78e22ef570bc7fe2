#pragma once
// Runs the command line in this process, as if typed, with a profile of this machine that need not be measured.

#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "hardware_profiles/host.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tools/command.hpp"
#include "tools/host.hpp"
#include "tools/machine.hpp"

namespace tandem {

struct Outcome {
  int code = 0;
  std::string out, err;
};

inline Outcome run_words(const std::vector<std::string>& words, int width = 80) {
  std::ostringstream out, err;
  Console console{out, err, false, false, false, width, {}};
  const int code = run_tandem(words, console);
  return {code, out.str(), err.str()};
}

/// The words of one line, split at spaces.
inline Outcome typed(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return run_words(words);
}

/// A host of round numbers with this machine's processor, cores and memory, so that it counts as measured here.
inline HostProfile round_profile() {
  const Machine machine = this_machine();
  const std::string source = "round numbers, " + machine.processor + " (" + std::to_string(machine.cores) + " cores)";
  HostProfile profile;
  Device& device = profile.device;
  device.name = "host";
  device.cores = machine.cores;
  device.memory = machine.memory;
  device.shares_cores = true;
  device.peak_fp32 = FlopsPerSecond{1e10} * static_cast<double>(machine.cores);
  device.memory_bandwidth = {1e10};
  device.elementwise = device.copy = {{{Bytes{1 << 16}, {1e10}}}};
  device.product_rates = {{{64, 64, 64, {1e10}}}};
  device.transcendentals_per_second = 1e9;
  for (const char* group : {"compute", "memory", "product_rates", "elementwise", "copy", "transcendentals"})
    device.sources.emplace_back(group, source);
  profile.link = {"threads", {1e-6}, {1e10}, true, {1e-6}, source};
  device.threads_link = profile.link;
  return profile;
}

/// Keeps round_profile() where the tool looks for it, for the life of a test.
class MeasuredMachine {
 public:
  MeasuredMachine() {
    if (const char* old = std::getenv("XDG_CACHE_HOME")) before_ = old;
    setenv("XDG_CACHE_HOME", folder_.file("cache").c_str(), 1);
    keep_host(round_profile());
  }
  ~MeasuredMachine() {
    before_ ? setenv("XDG_CACHE_HOME", before_->c_str(), 1) : unsetenv("XDG_CACHE_HOME");
  }
  MeasuredMachine(const MeasuredMachine&) = delete;
  MeasuredMachine& operator=(const MeasuredMachine&) = delete;

 private:
  TemporaryFolder folder_;
  std::optional<std::string> before_;
};

}  // namespace tandem

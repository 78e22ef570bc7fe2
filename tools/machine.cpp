#include "tools/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "base/error.hpp"

namespace tandem {
namespace {

/// The value behind "key :" in a file of /proc, or "".
std::string proc_value(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); }

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.processor = proc_value("/proc/cpuinfo", "model name");
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) machine.cores = CPU_COUNT(&set);
  const std::string total = proc_value("/proc/meminfo", "MemTotal");
  if (total.empty()) throw ResourceError("cannot read the machine's memory from /proc/meminfo");
  machine.memory = Bytes{1024} * parse_integer(total.substr(0, total.find(' ')), 1, std::int64_t{1} << 40);
  return machine;
}

ProcessorTimes processor_times() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, soft = 0, stolen = 0;
  file >> cpu >> user >> nice >> system >> idle >> waiting >> interrupts >> soft >> stolen;
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now().time_since_epoch();
  return {(user + nice + system + interrupts + soft) * tick, stolen * tick, seconds(own.ru_utime) + seconds(own.ru_stime),
          wall.count()};
}

OtherLoad other_load(const ProcessorTimes& before, const ProcessorTimes& after, std::int64_t cores) {
  const double had = (after.wall_s - before.wall_s) * static_cast<double>(cores);
  if (had <= 0) return {};
  const double others = (after.busy_s - before.busy_s) - (after.own_s - before.own_s);
  return {std::max(0.0, others / had), std::max(0.0, (after.stolen_s - before.stolen_s) / had)};
}

}  // namespace tandem

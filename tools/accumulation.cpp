#include "tools/accumulation.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/error.hpp"

namespace tandem {
namespace {

const Accumulation kAccumulations[] = {
    {"serial", "one thread, its sum in a register", "terms x the time of a term", &kSerialSum, predict_serial_sum},
    {"unsynchronised", "all threads load, add and store one sum, relaxed: updates are lost",
     "a cache line between cores; stores wait in a buffer, loads for the line", &kUnsynchronisedSum,
     predict_unsynchronised_sum},
    {"mutex", "all threads add to one sum, each update behind a lock",
     "a three-state futex lock on a cache line, step by step", &kMutexSum, predict_mutex_sum},
    {"atomic", "all threads add to one sum by compare-exchange", "a cache line read, owned, and tried again on a clash",
     &kAtomicSum, predict_atomic_sum},
    {"per_thread", "a sum per thread, added in the threads' order at the end",
     "the fullest core's terms, and an update a thread", &kPerThreadSum, predict_per_thread_sum},
};

}  // namespace

std::span<const Accumulation> accumulations() { return kAccumulations; }

const Accumulation& find_accumulation(std::string_view name) {
  std::vector<std::string> names{"all"};
  for (const Accumulation& row : kAccumulations) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  throw InputError(fmt::format("--accumulate: no such way{}", did_you_mean(name, names)), name,
                   fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace tandem

#pragma once
// Resident memory of this process, read from /proc/self, for benchmarks on Linux.

#include <malloc.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace tandem::bench {

/// A field of /proc/self/status that is given in kB ("VmRSS", "VmHWM"), in bytes; 0 where there is none.
inline std::int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::int64_t kilobytes = 0;
  for (std::string word; status >> word;) {
    if (word == field + ":") status >> kilobytes;
  }
  return kilobytes * 1024;
}

/// Returns freed memory to the system and what is resident then.
inline std::int64_t resident_now() {
  malloc_trim(0);
  return status_bytes("VmRSS");
}

/// The most that has been resident since forget_peak().
inline std::int64_t resident_peak() { return status_bytes("VmHWM"); }
inline void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace tandem::bench

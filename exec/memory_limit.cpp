#include "exec/memory_limit.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/memory_script.hpp"

namespace tandem {
namespace {

/// The number after `key` in a file of lines "key number"; the first word alone where `key` is empty.
std::optional<std::int64_t> number_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  if (key.empty()) {
    std::int64_t number = 0;
    return file >> number ? std::optional(number) : std::nullopt;
  }
  std::int64_t number = 0;
  while (file >> word)
    if (word == key) return file >> number ? std::optional(number) : std::nullopt;
  return std::nullopt;
}

}  // namespace

std::optional<Bytes> available_memory(const std::string& root) {
  std::optional<Bytes> least;
  const auto limit = [&least](std::int64_t count) {
    const Bytes bytes{std::max<std::int64_t>(count, 0)};
    least = least ? std::min(*least, bytes) : bytes;
  };
  if (const auto kibibytes = number_in(root + "/proc/meminfo", "MemAvailable:")) limit(*kibibytes * 1024);
  const std::string group = root + "/sys/fs/cgroup/";
  if (const auto most = number_in(group + "memory.max", "")) {
    const std::int64_t used = number_in(group + "memory.current", "").value_or(0);
    limit(*most - used + number_in(group + "memory.stat", "inactive_file").value_or(0));
  }
  constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;
  if (const auto most = number_in(group + "memory/memory.limit_in_bytes", ""); most && *most < kNoLimit) {
    const std::int64_t used = number_in(group + "memory/memory.usage_in_bytes", "").value_or(0);
    limit(*most - used + number_in(group + "memory/memory.stat", "total_inactive_file").value_or(0));
  }
  return least;
}

void refuse_too_much(Bytes needed, std::optional<Bytes> available) {
  if (available && needed > *available)
    throw ResourceError(
        fmt::format("the run needs {} of memory ({} bytes), but this machine has {} to spare ({} bytes)",
                    to_text(needed), needed.count, to_text(*available), available->count));
}

void refuse_over_budget(const Program& program, Bytes most) {
  const std::vector<MemoryPeak> peaks = script_peaks(program);
  for (std::size_t i = 0; i < peaks.size(); ++i)
    if (peaks[i].total > most)
      throw ResourceError(fmt::format(
          "worker \"{}\" needs {} of device memory ({} bytes), {} bytes more than the {} that it may have ({} bytes)",
          program.workers()[i].name, to_text(peaks[i].total), peaks[i].total.count, (peaks[i].total - most).count,
          to_text(most), most.count));
}

}  // namespace tandem

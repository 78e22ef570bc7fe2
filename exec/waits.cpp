#include "exec/waits.hpp"

#include <algorithm>

namespace tandem {
namespace {

Wait wait_for(const Program& program, StepId earlier) {
  const StreamId stream = program.step(earlier).stream;
  return {stream, index_of(earlier) - index_of(program.stream(stream).first) + 1};
}

/// Keeps one wait per stream, the latest.
void merge(std::vector<Wait>& waits, Wait wait) {
  const auto same =
      std::find_if(waits.begin(), waits.end(), [&](const Wait& row) { return row.stream == wait.stream; });
  if (same == waits.end())
    waits.push_back(wait);
  else
    same->count = std::max(same->count, wait.count);
}

}  // namespace

Waits::Waits(const Program& program) : offset_{0} {
  std::vector<Wait> mine;
  for (const Stream& stream : program.streams()) {
    std::vector<std::uint32_t> known(program.streams().size(), 0);
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      mine.clear();
      for (const StepId earlier : program.after(static_cast<StepId>(index_of(stream.first) + i)))
        if (const Wait wait = wait_for(program, earlier); wait.count > known[index_of(wait.stream)]) merge(mine, wait);
      for (const Wait& wait : mine) known[index_of(wait.stream)] = wait.count;
      waits_.insert(waits_.end(), mine.begin(), mine.end());
      offset_.push_back(static_cast<std::uint32_t>(waits_.size()));
    }
  }
}

}  // namespace tandem

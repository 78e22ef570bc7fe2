#include "exec/inline_steps.hpp"

#include <algorithm>

namespace tandem {
namespace {

bool may_be_inline(StepKind kind) { return kind == StepKind::collective || is_copy(kind); }

/// By StepId: how many compute steps of its worker each step waits for, with what its stream has waited for.
std::vector<std::uint32_t> computed_before(const Program& program, const Waits& waits) {
  std::vector<std::uint32_t> computed(program.step_count(), 0);
  for (const Stream& stream : program.streams()) {
    const StreamId compute = program.workers()[index_of(stream.worker)].compute;
    std::uint32_t known = 0;
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
      for (const Wait& wait : waits.of(static_cast<StepId>(i)))
        if (wait.stream == compute) known = std::max(known, wait.count);
      computed[i] = known;
    }
  }
  return computed;
}

}  // namespace

InlineSteps::InlineSteps(const Program& program, const Waits& waits, bool overlaps)
    : program_(program), overlaps_(overlaps), computed_(computed_before(program, waits)), before_(program.step_count()),
      inline_(program.step_count()) {
  std::vector<std::uint32_t> claimed(program.streams().size(), 0);
  for (const Worker& worker : program.workers()) add_worker(program.stream(worker.compute), waits, claimed);
}

/// `claimed`: by stream, how many of its steps some earlier compute step has waited for. `earliest`: a step may be put
/// off to this compute step if it could start when so many have ended.
void InlineSteps::add_worker(const Stream& compute, const Waits& waits, std::vector<std::uint32_t>& claimed) {
  std::uint32_t earliest = 1;
  for (std::uint32_t place = 0; place < compute.count; ++place) {
    const auto step = static_cast<StepId>(index_of(compute.first) + place);
    if (overlaps_) earliest = std::max(place, 1u);
    for (const Wait& wait : waits.of(step))
      if (program_.stream(wait.stream).worker == compute.worker)
        add_until(wait, step, earliest, claimed[index_of(wait.stream)]);
    if (!waits.of(step).empty()) earliest = place + 1;
  }
}

void InlineSteps::add_until(const Wait& wait, StepId compute, std::uint32_t earliest, std::uint32_t& claimed) {
  const Stream& stream = program_.stream(wait.stream);
  Run& run = before_[index_of(compute)];
  const bool taken = run.count > 0;  // by another stream
  for (; claimed < wait.count; ++claimed) {
    const auto step = static_cast<StepId>(index_of(stream.first) + claimed);
    if (taken || computed_[index_of(step)] < earliest || !may_be_inline(program_.step(step).kind)) continue;
    if (run.count++ == 0) run.first = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back(step);
    inline_[index_of(step)] = true;
  }
}

bool InlineSteps::contains_all(StreamId id) const {
  const Stream& stream = program_.stream(id);
  const auto first = inline_.begin() + static_cast<std::ptrdiff_t>(index_of(stream.first));
  return std::all_of(first, first + static_cast<std::ptrdiff_t>(stream.count), [](bool is) { return is; });
}

}  // namespace tandem

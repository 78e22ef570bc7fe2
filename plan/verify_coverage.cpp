// Every segment's F and B (or I and W) run once per micro-batch, F first, and no weights change in between.

#include <fmt/format.h>

#include <algorithm>

#include "plan/verify_parts.hpp"

namespace tandem {
namespace {

constexpr std::uint8_t kForward = 1, kInput = 2, kWeight = 4, kAll = 7;

std::uint8_t part_of(StepKind kind) {
  switch (kind) {
    case StepKind::forward: return kForward;
    case StepKind::backward: return kInput | kWeight;
    case StepKind::input_gradient: return kInput;
    case StepKind::weight_gradient: return kWeight;
    default: return 0;
  }
}

std::string_view missing_part(std::uint8_t seen) {
  if ((seen & kForward) == 0) return name_of(StepKind::forward);
  if ((seen & (kInput | kWeight)) == 0) return name_of(StepKind::backward);
  return name_of((seen & kInput) == 0 ? StepKind::input_gradient : StepKind::weight_gradient);
}

/// What has run, by segment and micro-batch.
class Coverage {
 public:
  explicit Coverage(const Program& program)
      : program_(program),
        seen_(program.segments().size() * program.micro_batches(), 0),
        open_(program.segments().size(), 0) {}

  void run(StepId id) {
    const StepKind kind = program_.step(id).kind;
    if (kind == StepKind::update && open_[index_of(program_.work(id).segment)] > 0)
      refuse_program(fmt::format("changes weights between an F and its B: {}", program_.describe(id)));
    if (part_of(kind) != 0) add(id, part_of(kind));
  }

  void finish() const {
    const auto open = std::find_if(seen_.begin(), seen_.end(), [](std::uint8_t cell) { return cell != kAll; });
    if (open == seen_.end()) return;
    const auto at = static_cast<std::size_t>(open - seen_.begin());
    refuse_program(fmt::format("{} misses {} of micro-batch {}", worker_with(at / program_.micro_batches()),
                               missing_part(*open), at % program_.micro_batches()));
  }

 private:
  void add(StepId id, std::uint8_t part) {
    const std::uint32_t batch = program_.step(id).micro_batch;
    if (batch >= program_.micro_batches())
      refuse_program(
          fmt::format("there are only {} micro-batches: {}", program_.micro_batches(), program_.describe(id)));
    const std::size_t segment = index_of(program_.work(id).segment);
    std::uint8_t& cell = seen_[segment * program_.micro_batches() + batch];
    if ((cell & part) != 0) refuse_program(fmt::format("runs twice: {}", program_.describe(id)));
    if (part != kForward && (cell & kForward) == 0)
      refuse_program(fmt::format("runs before its F: {}", program_.describe(id)));
    cell = static_cast<std::uint8_t>(cell | part);
    if (part == kForward) ++open_[segment];
    if (cell == kAll) --open_[segment];
  }

  std::string worker_with(std::size_t segment) const {
    for (const StepWork& work : program_.works())
      if (index_of(work.segment) == segment)
        return fmt::format("worker \"{}\"", program_.workers()[index_of(work.worker)].name);
    return fmt::format("segment {}, which no worker has,", segment);
  }

  const Program& program_;
  std::vector<std::uint8_t> seen_;
  std::vector<std::uint32_t> open_;  ///< micro-batches by segment between F and the end of backward
};

}  // namespace

void check_coverage(const Program& program) {
  Coverage coverage(program);
  for (const Stream& stream : program.streams()) {
    if (stream.kind != StreamKind::compute) continue;
    for (std::uint32_t i = 0; i < stream.count; ++i) coverage.run(static_cast<StepId>(index_of(stream.first) + i));
  }
  coverage.finish();
}

}  // namespace tandem

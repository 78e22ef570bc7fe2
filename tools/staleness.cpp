#include "tools/staleness.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace tandem {
namespace {

struct StageVersions {
  std::string worker;
  std::uint32_t stage = 0;
  std::vector<std::uint32_t> used;  ///< by micro-batch that the worker runs, in its order
  std::vector<std::uint32_t> late;  ///< updates between that version and the one that took its gradient
};

/// The stages of one worker: version v of a buffer was written by the v-th update of the iteration.
std::vector<StageVersions> versions_of(const Program& program, const Worker& worker) {
  std::map<SegmentId, StageVersions> stages;
  std::map<BufferId, std::uint32_t> version;
  const Stream& stream = program.stream(worker.compute);
  const std::uint32_t round = program.micro_batches() / program.updates();
  for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
    const auto id = static_cast<StepId>(i);
    const Step& step = program.step(id);
    const StepWork& work = program.work(id);
    for (const BufferUse use : program.uses(id)) {
      if (program.spec(use.id()).content != BufferContent::weights) continue;
      if (step.kind == StepKind::update && use.mode() != Access::read) version[use.id()] = step.micro_batch + 1;
      if (step.kind != StepKind::forward || work.part != 0) continue;
      StageVersions& row = stages[work.segment];
      row.worker = worker.name;
      row.stage = program.segment(work.segment).stage;
      row.used.push_back(version[use.id()]);
      row.late.push_back(step.micro_batch / round - version[use.id()]);
    }
  }
  std::vector<StageVersions> rows;
  for (auto& [segment, row] : stages) rows.push_back(std::move(row));
  return rows;
}

std::vector<StageVersions> all_versions(const Program& program) {
  std::vector<StageVersions> all;
  for (const Worker& worker : program.workers())
    for (StageVersions& row : versions_of(program, worker)) all.push_back(std::move(row));
  return all;
}

/// The first few, and how many more.
std::string first_ones(const std::vector<std::uint32_t>& values) {
  constexpr std::size_t kShown = 12;
  const std::span<const std::uint32_t> shown{values.data(), std::min(values.size(), kShown)};
  const std::string more = values.size() > kShown ? fmt::format(" ... {} more", values.size() - kShown) : "";
  return fmt::format("{}{}", fmt::join(shown, " "), more);
}

}  // namespace

Flag staleness_flag() {
  return {"staleness-report", "", "which version of its stage's weights each micro-batch used", "output"};
}

std::string staleness_text(const Program& program) {
  std::string text = fmt::format("weights: {} update{} an iteration; versions that each micro-batch used\n",
                                 program.updates(), program.updates() == 1 ? "" : "s");
  for (const StageVersions& row : all_versions(program))
    text += fmt::format("{:<12} stage {:<3} {}; its gradient is at most {} updates late\n", row.worker, row.stage,
                        first_ones(row.used), std::ranges::max(row.late));
  return text;
}

nlohmann::ordered_json staleness_json(const Program& program) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const StageVersions& row : all_versions(program))
    rows.push_back({{"worker", row.worker}, {"stage", row.stage}, {"versions", row.used}, {"updates_late", row.late}});
  return {{"updates", program.updates()}, {"stages", rows}};
}

}  // namespace tandem

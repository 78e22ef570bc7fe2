// The peaks' contents as JSON: nothing is left out.

#include <nlohmann/json.hpp>

#include "timeline/memory_list.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Json tensors_json(const std::vector<HeldTensor>& tensors) {
  Json json = Json::array();
  for (const HeldTensor& tensor : tensors) json.push_back({{"name", tensor.name}, {"bytes", tensor.bytes.count}});
  return json;
}

Json held_json(const Program& program, const HeldBuffers& row) {
  const BufferSpec& spec = program.buffer_specs()[index_of(row.spec)];
  return {{"class", name_of(spec.kind)},
          {"what", meaning_of(spec.content)},
          {"bytes", row.bytes.count},
          {"buffers", row.count},
          {"buffer_bytes", spec.bytes.count},
          {"micro_batches", row.micro_batches},
          {"tensors", tensors_json(held_tensors(program, spec))}};
}

}  // namespace

Json peak_moment_json(const Program& program, const PeakMoment& peak) {
  Json held = Json::array();
  for (const HeldBuffers& row : peak.held) held.push_back(held_json(program, row));
  Json json{{"worker", program.workers()[index_of(peak.worker)].name},
            {"when", when_text(program, peak)},
            {"step", nullptr},
            {"micro_batch", nullptr},
            {"total_bytes", peak.total.count},
            {"held", std::move(held)}};
  if (peak.step == kNone<StepId>) return json;
  json["step"] = name_of(program.step(peak.step).kind);
  json["micro_batch"] = program.step(peak.step).micro_batch;
  return json;
}

}  // namespace tandem

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "timeline/metrics_json.hpp"
#include "tools/fit.hpp"
#include "tools/memory_advice.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

Bytes of(const FitRow& row, BufferClass kind) { return row.peak.by_class[static_cast<std::size_t>(kind)]; }

/// "124 M".
std::string count_text(std::int64_t count) {
  const auto real = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.3g} G", real / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.3g} M", real / 1e6);
  return count >= 1'000 ? fmt::format("{:.3g} k", real / 1e3) : fmt::format("{}", count);
}

std::string row_text(const FitRow& row) {
  using enum BufferClass;
  if (!row.refusal.empty()) return fmt::format("{:<19} {:>6}\n", row.technique, "none");
  return fmt::format("{:<19} {:>6} {:>6} {:>8} {:>9} {:>9} {:>8} {:>8}\n", row.technique,
                     fmt::format("{}{}", row.at_limit ? ">=" : "", row.depth), count_text(row.parameters),
                     to_text(row.peak.total), to_text(of(row, weight) + of(row, gradient) + of(row, optimizer_state)),
                     to_text(of(row, activation) + of(row, stash)), to_text(of(row, workspace)),
                     to_text(of(row, message)));
}

}  // namespace

std::string fit_text(const std::vector<FitRow>& rows, const Plan& asked, const Cluster& cluster) {
  const Device& device = cluster.device(rows.front().tightest.device);
  std::string text = wrapped(
      fmt::format("The deepest {} that trains on {} ({}, {} a device), {} samples per iteration, by the repetitions of "
                  "its block. Of the device with least to spare, at its peak:",
                  asked.model, asked.cluster, device.name, usable_text(device, asked),
                  asked.micro_batches * asked.micro_batch_size), "");
  text += fmt::format("\n{:<19} {:>6} {:>6} {:>8} {:>9} {:>9} {:>8} {:>8}\n", "technique", "layers", "param.", "peak",
                      "model", "kept", "work", "messages");
  for (const FitRow& row : rows) text += row_text(row);
  text += '\n' + wrapped("model: weights, gradients and optimizer state; kept: activations for backward", "");
  if (std::ranges::any_of(rows, &FitRow::at_limit))
    text += wrapped(fmt::format(">=: deeper models have more than {} layers or {} steps an iteration, and were not tried",
                                kDeepest, kMostFitSteps), "", "  ");
  for (const FitRow& row : rows) {
    if (!row.refusal.empty())
      text += wrapped(fmt::format("{}: does not suit: {}", row.technique, row.refusal), "", "  ");
    else if (row.depth == 0)
      text += wrapped(fmt::format("{}: not even one layer fits; it needs {} ({} bytes)", row.technique,
                                  to_text(row.tightest.needed), row.tightest.needed.count), "");
    if (const std::string flags = flags_between(rows.front().plan, row.plan); !flags.empty())
      text += wrapped(fmt::format("{}: {}", row.technique, flags), "", "  ");
  }
  return text;
}

nlohmann::ordered_json fit_json(const std::vector<FitRow>& rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const FitRow& row : rows)
    json.push_back({{"technique", row.technique},
                    {"layers", row.depth},
                    {"deeper_not_tried", row.at_limit},
                    {"refusal", row.refusal.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(row.refusal)},
                    {"parameters", row.parameters},
                    {"peak_bytes", peak_json(row.peak)},
                    {"needed_bytes", row.tightest.needed.count},
                    {"usable_bytes", row.tightest.usable.count},
                    {"flags", flags_between(rows.front().plan, row.plan)}});
  return json;
}

}  // namespace tandem

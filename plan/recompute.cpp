#include "plan/recompute.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "plan/conversions.hpp"
#include "plan/recompute_chain.hpp"

namespace tandem {
namespace {

constexpr std::string_view kNames[] = {"none", "full", "every", "sqrt", "block", "selective", "optimal"};
constexpr std::string_view kWant = "none, full, every:LAYERS, sqrt, block, selective or optimal:BYTES";

bool has_value(Recompute::Kind kind) { return kind == Recompute::Kind::every || kind == Recompute::Kind::optimal; }

/// Works through the layers of one stage.
class Ranges {
 public:
  Ranges(const Model& model, std::size_t first, std::size_t last) : model_(model), first_(first), last_(last) {}

  std::int64_t layer_count() const {
    std::int64_t count = 0;
    for (std::size_t i = first_; i < last_; ++i) count += counts(i);
    return count;
  }

  RecomputeRanges every(std::int64_t layers) const {
    RecomputeRanges ranges;
    std::int64_t held = layers;
    for (std::size_t i = first_; i < last_; ++i) {
      if (counts(i) && held++ == layers) {
        ranges.emplace_back(i, i);
        held = 1;
      }
      if (!ranges.empty()) ranges.back().second = i + 1;
    }
    return ranges;
  }

  RecomputeRanges blocks() const {
    RecomputeRanges ranges;
    for (std::size_t i = first_; i < last_; ++i) {
      const std::string_view block = block_of(layer(i).name);
      if (block.empty()) continue;
      const bool goes_on = !ranges.empty() && ranges.back().second == i && block_of(layer(i - 1).name) == block;
      if (goes_on) ++ranges.back().second;
      else ranges.emplace_back(i, i + 1);
    }
    return ranges.empty() ? between_pools() : ranges;
  }

  RecomputeRanges attention() const {
    RecomputeRanges ranges;
    for (std::size_t i = first_; i < last_; ++i)
      if (layer(i).kind->name == "attention" || layer(i).kind->name == "grouped_attention")
        ranges.emplace_back(i, i + 1);
    return ranges;
  }

 private:
  const Layer& layer(std::size_t index) const { return model_.layer(static_cast<LayerId>(index)); }
  bool counts(std::size_t index) const { return layer(index).kind->inputs > 0 && !is_conversion(*layer(index).kind); }

  RecomputeRanges between_pools() const {
    RecomputeRanges ranges{{first_, first_}};
    for (std::size_t i = first_; i < last_; ++i) {
      ranges.back().second = i + 1;
      const bool pools = layer(i).kind->name.find("pool") != std::string_view::npos;
      if (pools && i + 1 < last_) ranges.emplace_back(i + 1, i + 1);
    }
    return ranges;
  }

  /// "h.0" of "h.0.attn.qkv": up to the last part that is a number, else up to the last dot.
  static std::string_view block_of(std::string_view name) {
    std::size_t end = std::string_view::npos;
    for (std::size_t at = 0; at < name.size();) {
      const std::size_t dot = std::min(name.find('.', at), name.size());
      const std::string_view part = name.substr(at, dot - at);
      if (!part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos) end = dot;
      at = dot + 1;
    }
    if (end == std::string_view::npos) end = name.rfind('.');
    return end == std::string_view::npos ? std::string_view() : name.substr(0, end);
  }

  const Model& model_;
  std::size_t first_, last_;
};

RecomputeRanges optimal_ranges(const Recompute& policy, const RecomputeChain& chain, std::int64_t under_way) {
  const auto choice = least_recompute(chain, under_way, policy.budget.count);
  if (!choice)
    throw InputError("recompute: the budget is too small for a stage", to_exact_text(policy.budget),
                     "at least " + to_exact_text(Bytes{least_kept_memory(chain, under_way)}));
  RecomputeRanges ranges;
  for (const auto& [first, last] : choice->ranges) ranges.emplace_back(chain.cuts[first], chain.cuts[last]);
  return ranges;
}

}  // namespace

Recompute parse_recompute(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Recompute policy;
  const auto* at = std::find(std::begin(kNames), std::end(kNames), name);
  if (at == std::end(kNames)) {
    const std::vector<std::string> names(std::begin(kNames), std::end(kNames));
    throw QuantityError{0, "no such way to recompute" + did_you_mean(name, names), std::string(kWant)};
  }
  policy.kind = static_cast<Recompute::Kind>(at - std::begin(kNames));
  if (has_value(policy.kind) != (colon != std::string_view::npos))
    throw QuantityError{name.size(), has_value(policy.kind) ? "a number is missing" : "takes no number",
                        std::string(kWant)};
  if (colon == std::string_view::npos) return policy;
  const std::string_view value = text.substr(colon + 1);
  try {
    if (policy.kind == Recompute::Kind::optimal) policy.budget = parse_quantity<Bytes>(value);
    else policy.layers = parse_integer(value, 1, std::numeric_limits<std::int32_t>::max());
  } catch (QuantityError& error) {
    error.offset += colon + 1;
    throw;
  }
  return policy;
}

RecomputeRanges recompute_ranges(const Recompute& policy, const LocalModel& local, std::size_t first, std::size_t last,
                                 std::int64_t batch, std::int64_t under_way, bool repeat_collectives) {
  const Ranges ranges(local.model, first, last);
  switch (policy.kind) {
    case Recompute::Kind::none: break;
    case Recompute::Kind::full: return {{first, last}};
    case Recompute::Kind::every: return ranges.every(policy.layers);
    case Recompute::Kind::sqrt:
      return ranges.every(std::llround(std::ceil(std::sqrt(static_cast<double>(ranges.layer_count())))));
    case Recompute::Kind::block: return ranges.blocks();
    case Recompute::Kind::selective: return ranges.attention();
    case Recompute::Kind::optimal:
      return optimal_ranges(policy, chain_of(local, first, last, batch, repeat_collectives), under_way);
  }
  return {};
}

}  // namespace tandem

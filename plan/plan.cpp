#include "plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/plan_schedule.hpp"

namespace tandem {
namespace {

void check_fingerprint(const Plan& plan, const Model& model) {
  if (!plan.model_fingerprint || *plan.model_fingerprint == model.fingerprint()) return;
  throw InputError(plan.fingerprint_place, "the plan was made for another model",
                   fmt::format("{:016x}", *plan.model_fingerprint),
                   fmt::format("{:016x}, the fingerprint of {}", model.fingerprint(), model.name()));
}

TextPosition place_of(const Plan& plan, std::size_t cut) {
  return cut < plan.cut_places.size() ? plan.cut_places[cut] : TextPosition{};
}

std::size_t resolve_cut(const std::string& name, const TextPosition& place, const Model& model) {
  const auto layers = model.layers();
  const auto at = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.name == name; });
  if (at == layers.end()) {
    std::vector<std::string> names;
    for (const Layer& layer : layers) names.push_back(layer.name);
    throw InputError(place, fmt::format("cut: no such layer in {}{}", model.name(), did_you_mean(name, names)), name);
  }
  const auto cut = static_cast<std::size_t>(at - layers.begin());
  if (cut == 0 || !model.may_cut(cut))
    throw InputError(place, "cut: the model cannot be split before this layer", name);
  return cut;
}

constexpr std::string_view kSplits[] = {"megatron", "naive", "ulysses", "best"};
constexpr std::string_view kAfterSpace[] = {"replicated", "tensor", "samples"};
constexpr std::string_view kUpdateOn[] = {"device", "host"};

template <class Enum, std::size_t Count>
std::optional<Enum> find_in(const std::string_view (&names)[Count], std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == std::end(names)) return {};
  return static_cast<Enum>(at - std::begin(names));
}

}  // namespace

std::string_view name_of(TensorSplit split) { return kSplits[static_cast<std::size_t>(split)]; }

std::vector<std::string> tensor_split_names() { return {std::begin(kSplits), std::end(kSplits)}; }

std::optional<TensorSplit> find_tensor_split(std::string_view name) { return find_in<TensorSplit>(kSplits, name); }

std::string_view name_of(AfterSpace after) { return kAfterSpace[static_cast<std::size_t>(after)]; }

std::vector<std::string> after_space_names() { return {std::begin(kAfterSpace), std::end(kAfterSpace)}; }

std::optional<AfterSpace> find_after_space(std::string_view name) { return find_in<AfterSpace>(kAfterSpace, name); }

std::string_view name_of(UpdateOn place) { return kUpdateOn[static_cast<std::size_t>(place)]; }

std::vector<std::string> update_on_names() { return {std::begin(kUpdateOn), std::end(kUpdateOn)}; }

std::optional<UpdateOn> find_update_on(std::string_view name) { return find_in<UpdateOn>(kUpdateOn, name); }

double parse_share(std::string_view text) {
  constexpr std::string_view kWant = "a share such as 5% or 0.05, from 0 to below 1";
  const bool percent = text.ends_with('%');
  double share = 0;
  try {
    share = parse_number(percent ? text.substr(0, text.size() - 1) : text) / (percent ? 100 : 1);
  } catch (const QuantityError& error) {
    throw QuantityError{error.offset, error.problem, std::string(kWant)};
  }
  if (share < 0 || share >= 1) throw QuantityError{0, "out of range", std::string(kWant)};
  return share;
}

std::vector<std::size_t> resolve_cuts(const Plan& plan, const Model& model) {
  check_fingerprint(plan, model);
  const std::int64_t stages = plan.cuts.empty() ? 0 : std::int64_t{stage_count(plan)};
  if (!plan.cuts.empty() && std::ssize(plan.cuts) != stages - 1)
    throw InputError(place_of(plan, 0), "the number of cuts does not suit the mesh",
                     fmt::format("{} cuts", plan.cuts.size()),
                     fmt::format("{}, one fewer than the {} stages", stages - 1, stages));
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < plan.cuts.size(); ++i) {
    const std::size_t cut = resolve_cut(plan.cuts[i], place_of(plan, i), model);
    if (!cuts.empty() && cut <= cuts.back())
      throw InputError(place_of(plan, i), "cut: out of order", plan.cuts[i],
                       fmt::format("a layer after \"{}\"", plan.cuts[i - 1]));
    cuts.push_back(cut);
  }
  return cuts;
}

}  // namespace tandem

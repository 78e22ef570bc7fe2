// Passes the layers in topological order, with all ways in which the tensors still to be read may lie.

#include "plan/layout_search.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "base/error.hpp"

namespace tandem {
namespace {

using Form = AxisLayout::Form;
using Bond = LayoutProblem::Bond;

/// Something that layers to come still depend on: a tensor, or how a tied parameter lies.
struct Held {
  std::uint32_t item;            ///< LayerId of the tensor; beyond those, the owner of the tied parameter
  std::uint8_t written, lies;    ///< layouts by number; a sum that is owed lies nowhere until its first reader
  std::uint64_t made = 0;        ///< conversions that exist, two bits a layout
  auto operator<=>(const Held&) const = default;
};
using State = std::vector<Held>;  ///< by item

struct Node {
  double cost_s = 0;
  std::uint32_t parent = 0;  ///< in the layer before
  std::uint32_t choice = 0;  ///< candidate
};
using Front = std::map<State, Node>;

class LayoutSearch {
 public:
  LayoutSearch(const LayoutProblem& problem, LayoutCost& cost, std::size_t most_states)
      : problem_(problem), model_(problem.model), cost_(cost), most_states_(most_states) {
    for (std::uint32_t p = 0; p < model_.parameters().size(); ++p) note_tie(model_.parameters()[p], p);
  }

  std::optional<LayoutAnswer> run();

 private:
  std::uint8_t number_of(const AxisLayout& layout);
  void note_tie(const Parameter& parameter, std::uint32_t id);
  bool is_allowed(LayerId id, std::size_t choice, const State& state) const;
  std::size_t followed(LayerId id, const State& state) const;
  std::optional<double> advance(LayerId id, std::size_t choice, State& state);
  double read(LayerId id, const LayoutRule& rule, State& state);
  double made_once(LayerId id, Held& tensor, std::uint8_t from, std::uint8_t to, bool reader_owes);
  bool agree_on_ties(LayerId id, const LayoutRule& rule, State& state);
  double conversion(LayerId tensor, std::uint8_t from, std::uint8_t to, bool reader_owes);
  void drop_dearest(Front& front);
  static std::size_t place_of(const State& state, LayerId tensor);
  const AxisLayout& written(const State& state, LayerId tensor) const;

  const LayoutProblem& problem_;
  const Model& model_;
  LayoutCost& cost_;
  std::size_t most_states_;
  bool kept_all_ = true;
  std::vector<AxisLayout> layouts_{kReplicated, kPartial};  ///< by number
  std::map<std::uint32_t, std::uint32_t> last_use_;         ///< of owners of tied parameters: the last layer
  std::vector<LayoutCandidate> candidates_;                 ///< of the current layer
  std::map<std::tuple<LayerId, std::uint8_t, std::uint8_t, bool>, double> conversions_;
  std::vector<std::vector<Node>> nodes_;                    ///< by layer
  std::vector<std::vector<std::string>> names_;             ///< of candidates, by layer
};

constexpr std::uint8_t kWhole = 0, kOwed = 1, kNowhere = 0xff;
constexpr std::size_t kMostLayouts = 32;

std::uint8_t LayoutSearch::number_of(const AxisLayout& layout) {
  const auto at = std::find(layouts_.begin(), layouts_.end(), layout);
  const auto number = static_cast<std::uint8_t>(at - layouts_.begin());
  if (at == layouts_.end()) layouts_.push_back(layout);
  invariant(layouts_.size() <= kMostLayouts, "a tensor lies in one of a few ways");
  return number;
}

void LayoutSearch::note_tie(const Parameter& parameter, std::uint32_t id) {
  if (!parameter.tied_to) return;
  std::uint32_t& last = last_use_[index_of(*parameter.tied_to)];
  last = std::max({last, index_of(parameter.layer), index_of(model_.parameter(*parameter.tied_to).layer)});
  invariant(id != index_of(*parameter.tied_to), "a parameter is tied to another one");
}

std::size_t LayoutSearch::place_of(const State& state, LayerId tensor) {
  const auto at = std::find_if(state.begin(), state.end(),
                               [&](const Held& entry) { return entry.item == index_of(tensor); });
  invariant(at != state.end(), "what is read is held");
  return static_cast<std::size_t>(at - state.begin());
}

const AxisLayout& LayoutSearch::written(const State& state, LayerId tensor) const {
  return layouts_[state[place_of(state, tensor)].written];
}

/// Of a layer that was taken apart, as choose_layouts() decides: the first rule that its inputs suit as written, where
/// statistics beside an input that goes on divided are gathered.
std::size_t LayoutSearch::followed(LayerId id, const State& state) const {
  const auto& inputs = model_.layer(id).inputs;
  for (std::size_t choice = 1; choice < candidates_.size(); ++choice) {
    const LayoutRule& rule = candidates_[choice].rule;
    const bool goes_on = std::any_of(rule.inputs.begin(), rule.inputs.end(),
                                     [](const AxisLayout& layout) { return layout.form == Form::split; });
    bool suits = rule.name != "positions";
    for (std::size_t i = 0; i < inputs.size() && suits; ++i)
      suits = written(state, inputs[i]) == rule.inputs[i] || (goes_on && rule.inputs[i] == kReplicated);
    if (suits) return choice;
  }
  return 0;
}

bool LayoutSearch::is_allowed(LayerId id, std::size_t choice, const State& state) const {
  const auto& pinned = problem_.pinned[index_of(id)];
  if (pinned && candidates_[choice].rule.name != *pinned) return false;
  switch (problem_.bonds[index_of(id)]) {
    case Bond::none: return true;
    case Bond::follows: return choice == followed(id, state);
    case Bond::divided: return choice != 0 && choice == followed(id, state);
    case Bond::whole_rows: break;
  }
  const LayerId scores = model_.layer(id).inputs[0];
  const AxisLayout& lies = written(state, scores);
  return lies.form != Form::split || lies.dimension + 1 != std::ssize(model_.layer(scores).output.dims);
}

double LayoutSearch::conversion(LayerId tensor, std::uint8_t from, std::uint8_t to, bool reader_owes) {
  const auto [at, is_new] = conversions_.emplace(std::tuple(tensor, from, to, reader_owes), 0.0);
  if (is_new)
    at->second = cost_.conversion(model_.layer(tensor).output, layouts_[from], layouts_[to], reader_owes,
                                  wants_gradient(model_, tensor)).value;
  return at->second;
}

/// Nothing where the conversion exists already, or is none.
double LayoutSearch::made_once(LayerId id, Held& tensor, std::uint8_t from, std::uint8_t to, bool reader_owes) {
  const std::uint64_t bit = std::uint64_t{1} << (2 * to + (reader_owes ? 1 : 0));
  if ((from == to && !reader_owes) || (tensor.made & bit) != 0) return 0;
  tensor.made |= bit;
  return conversion(id, from, to, reader_owes);
}

/// What it costs that the inputs come to lie as the rule wants them. A sum that is owed is paid into the layout that
/// its first reader wants; other blocks of one dimension are dealt by way of the whole; conversions of one tensor to one
/// layout are shared.
double LayoutSearch::read(LayerId id, const LayoutRule& rule, State& state) {
  double cost_s = 0;
  const auto& inputs = model_.layer(id).inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Held& tensor = state[place_of(state, inputs[i])];
    const std::uint8_t to = number_of(rule.inputs[i]);
    if (tensor.lies == kNowhere) {
      tensor.lies = rule.inputs[i].form == Form::split ? to : kWhole;
      cost_s += conversion(inputs[i], kOwed, tensor.lies, false);
    }
    const bool by_way_of_whole = tensor.lies != to && tensor.lies != kWhole && to != kWhole &&
                                 layouts_[tensor.lies].dimension == layouts_[to].dimension;
    if (by_way_of_whole) cost_s += made_once(inputs[i], tensor, tensor.lies, kWhole, false);
    cost_s += made_once(inputs[i], tensor, by_way_of_whole ? kWhole : tensor.lies, to, input_gradient_is_partial(rule, i));
  }
  return cost_s;
}

/// All uses of a tied parameter lie alike, and all or none of them give summands of its gradient.
bool LayoutSearch::agree_on_ties(LayerId id, const LayoutRule& rule, State& state) {
  const auto& parameters = model_.layer(id).parameters;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::uint32_t owner = index_of(model_.parameter(parameters[p]).tied_to.value_or(parameters[p]));
    if (!last_use_.contains(owner)) continue;
    const Held wanted{static_cast<std::uint32_t>(model_.layer_count()) + owner, number_of(rule.parameters[p]),
                      static_cast<std::uint8_t>(parameter_gradient_is_partial(rule, p))};
    const auto at = std::find_if(state.begin(), state.end(),
                                 [&](const Held& entry) { return entry.item == wanted.item; });
    if (at == state.end()) state.push_back(wanted);
    else if (*at != wanted) return false;
  }
  return true;
}

/// The state after the layer, and what it adds to the cost; nothing where it cannot be.
std::optional<double> LayoutSearch::advance(LayerId id, std::size_t choice, State& state) {
  const LayoutCandidate& candidate = candidates_[choice];
  const double cost_s = candidate.cost.value + read(id, candidate.rule, state);
  if (!agree_on_ties(id, candidate.rule, state)) return {};
  const std::uint8_t output = number_of(candidate.rule.output);
  state.push_back({index_of(id), output, output == kOwed ? kNowhere : output});
  const auto layers = static_cast<std::uint32_t>(model_.layer_count());
  std::erase_if(state, [&](const Held& entry) {
    if (entry.item >= layers) return last_use_.at(entry.item - layers) <= index_of(id);
    const auto& readers = model_.layers()[entry.item].readers;
    return readers.empty() || readers.back() <= id;
  });
  std::sort(state.begin(), state.end());
  return cost_s;
}

void LayoutSearch::drop_dearest(Front& front) {
  if (front.size() <= most_states_) return;
  kept_all_ = false;
  std::vector<double> costs;
  for (const auto& [state, node] : front) costs.push_back(node.cost_s);
  std::nth_element(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(most_states_) - 1, costs.end());
  const double bound = costs[most_states_ - 1];
  std::erase_if(front, [&](const auto& entry) { return entry.second.cost_s > bound; });
}

std::optional<LayoutAnswer> LayoutSearch::run() {
  Front front{{State{}, Node{}}};
  for (std::uint32_t i = 0; i < model_.layer_count(); ++i) {
    const auto id = static_cast<LayerId>(i);
    candidates_ = layout_candidates(model_, id, cost_);
    names_.emplace_back();
    for (const LayoutCandidate& candidate : candidates_) names_.back().emplace_back(candidate.rule.name);
    Front next;
    std::uint32_t parent = 0;
    for (const auto& [before, node] : front) {
      for (std::uint32_t choice = 0; choice < candidates_.size(); ++choice) {
        if (!is_allowed(id, choice, before)) continue;
        State state = before;
        const auto added_s = advance(id, choice, state);
        if (!added_s) continue;
        const Node here{node.cost_s + *added_s, parent, choice};
        const auto [at, is_new] = next.emplace(std::move(state), here);
        if (!is_new && here.cost_s < at->second.cost_s) at->second = here;
      }
      ++parent;
    }
    drop_dearest(next);
    front = std::move(next);
    nodes_.emplace_back();
    for (const auto& [state, node] : front) nodes_.back().push_back(node);
  }
  if (front.empty()) return {};
  invariant(front.size() == 1, "nothing is read after the last layer");
  LayoutAnswer answer{std::vector<std::string>(model_.layer_count()), {front.begin()->second.cost_s}, kept_all_};
  for (std::size_t i = nodes_.size(), at = 0; i-- > 0;) {
    answer.rules[i] = names_[i][nodes_[i][at].choice];
    at = nodes_[i][at].parent;
  }
  return answer;
}

}  // namespace

std::optional<LayoutAnswer> cheapest_layouts(const LayoutProblem& problem, LayoutCost& cost, std::size_t most_states) {
  return LayoutSearch(problem, cost, most_states).run();
}

}  // namespace tandem

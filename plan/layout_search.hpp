#pragma once
// The search for the cheapest layouts of one graph. Private to plan/.

#include <optional>
#include <string>
#include <vector>

#include "plan/layout_cost.hpp"

namespace tandem {

/// A model, and what binds the choice for some of its layers.
struct LayoutProblem {
  enum class Bond : std::uint8_t {
    none,
    follows,        ///< made by taking another layer apart: the rule that its inputs suit, or replicated
    divided,        ///< follows, and must not be replicated
    whole_rows,     ///< what it reads must not have been written in columns
  };
  Model model;
  std::vector<Bond> bonds;                         ///< by LayerId
  std::vector<std::optional<std::string>> pinned;  ///< by LayerId: the name of its rule
};

struct LayoutAnswer {
  std::vector<std::string> rules;  ///< by LayerId: names
  Seconds cost;
  bool kept_all;                   ///< no state was dropped
};

/// Nothing where no choice is possible. Of equally cheap ones the first.
std::optional<LayoutAnswer> cheapest_layouts(const LayoutProblem& problem, LayoutCost& cost, std::size_t most_states);

/// A way in which a layer can work on this axis, with what its work and the sums of its gradients cost.
struct LayoutCandidate {
  LayoutRule rule;
  Seconds cost;
};
/// Those of tensor_rules() that divide evenly.
std::vector<LayoutCandidate> layout_candidates(const Model& model, LayerId id, LayoutCost& cost);

}  // namespace tandem

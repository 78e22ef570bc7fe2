#include <algorithm>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/depth_first_search.hpp>
#include <boost/graph/topological_sort.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/definition.hpp"

namespace tandem {

namespace {

/// Edges lead from a reader to what it reads. Sources have none: they cannot be part of a cycle.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

bool is_source(const ResolvedLayer& layer) { return layer.kind->inputs == 0; }

Graph graph_of(const std::vector<ResolvedLayer>& layers) {
  Graph graph(layers.size());
  for (std::size_t reader = 0; reader < layers.size(); ++reader) {
    for (const auto input : layers[reader].inputs) {
      if (!is_source(layers[input])) boost::add_edge(reader, input, graph);
    }
  }
  return graph;
}

/// Walks back from the first edge that closes a cycle to where it began.
struct CycleVisitor : boost::default_dfs_visitor {
  std::vector<std::size_t>* reader_of;
  std::vector<std::size_t>* cycle;

  CycleVisitor(std::vector<std::size_t>& readers, std::vector<std::size_t>& path) : reader_of(&readers), cycle(&path) {}

  void tree_edge(const Graph::edge_descriptor& edge, const Graph& graph) {
    (*reader_of)[boost::target(edge, graph)] = boost::source(edge, graph);
  }
  void back_edge(const Graph::edge_descriptor& edge, const Graph& graph) {
    if (!cycle->empty()) return;
    const auto start = boost::target(edge, graph);
    cycle->push_back(start);
    for (auto at = boost::source(edge, graph); at != start; at = (*reader_of)[at]) cycle->push_back(at);
    cycle->push_back(start);
  }
};

[[noreturn]] void refuse_cycle(const std::vector<LayerDefinition>& definitions, const Graph& graph) {
  constexpr std::size_t kMostPrinted = 20;
  std::vector<std::size_t> reader_of(definitions.size()), cycle;
  boost::depth_first_search(graph, boost::visitor(CycleVisitor(reader_of, cycle)));
  invariant(cycle.size() >= 2, "what has no topological order has a cycle");
  std::vector<std::string_view> names;
  for (const auto index : cycle) names.push_back(definitions[index].name);
  if (names.size() > kMostPrinted) {
    names.erase(names.begin() + kMostPrinted - 2, names.end() - 2);
    names[kMostPrinted - 2] = "...";
  }
  refuse(definitions[cycle[0]], fmt::format("the layers form a cycle: {}", fmt::join(names, " -> ")));
}

/// Depth first over what is read, so that a layer follows its inputs and otherwise keeps its place.
std::vector<std::size_t> computing_order(const std::vector<LayerDefinition>& definitions, const Graph& graph) {
  std::vector<std::size_t> order;
  try {
    boost::topological_sort(graph, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    refuse_cycle(definitions, graph);
  }
  return order;
}

}  // namespace

std::vector<std::size_t> topological_order(const std::vector<LayerDefinition>& definitions,
                                           const std::vector<ResolvedLayer>& layers) {
  std::vector<std::size_t> order;
  std::vector<bool> is_placed(layers.size(), false);
  const auto place = [&](std::size_t index) {
    if (!is_placed[index]) order.push_back(index);
    is_placed[index] = true;
  };
  for (const auto index : computing_order(definitions, graph_of(layers))) {
    if (is_source(layers[index])) continue;
    for (const auto input : layers[index].inputs) place(input);
    place(index);
  }
  invariant(order.size() == layers.size(), "every layer has its place");
  return order;
}

}  // namespace tandem

#include "tests/hardware_profiles/max_flow.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>

namespace tandem {
namespace {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Reverse = boost::property<boost::edge_reverse_t, Traits::edge_descriptor>;
using Residual = boost::property<boost::edge_residual_capacity_t, int, Reverse>;
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    boost::property<boost::edge_capacity_t, int, Residual>>;

void join(Graph& graph, std::uint32_t from, std::uint32_t to, int there, int back) {
  const auto forward = boost::add_edge(from, to, graph).first, backward = boost::add_edge(to, from, graph).first;
  put(boost::edge_capacity, graph, forward, there);
  put(boost::edge_capacity, graph, backward, back);
  put(boost::edge_reverse, graph, forward, backward);
  put(boost::edge_reverse, graph, backward, forward);
}

}  // namespace

double most_from_lower_to_upper_half(const Topology& topology, const Shape& shape, const std::vector<int>& capacities) {
  constexpr int kPlenty = 1'000'000;
  std::uint32_t vertices = shape.ends;
  for (std::uint32_t at = 0; at < topology.cable_count(shape); ++at)
    vertices = std::max({vertices, topology.cable(shape, at).a + 1, topology.cable(shape, at).b + 1});
  Graph graph(vertices + 2);
  for (std::uint32_t at = 0; at < topology.cable_count(shape); ++at) {
    const Cable cable = topology.cable(shape, at);
    join(graph, cable.a, cable.b, capacities[cable.kind], capacities[cable.kind]);
  }
  for (std::uint32_t end = 0; end < shape.ends; ++end) {
    const bool lower = end < shape.ends / 2;
    join(graph, lower ? vertices : end, lower ? end : vertices + 1, kPlenty, 0);
  }
  return boost::edmonds_karp_max_flow(graph, vertices, vertices + 1);
}

}  // namespace tandem

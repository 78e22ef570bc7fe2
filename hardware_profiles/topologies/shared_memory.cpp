// One memory for all: every message crosses the same bus, whoever talks to whom.

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"memory"};

void take_bus(const Shape&, std::uint32_t, std::uint32_t, Hops& hops) { hops.push_back({0, false}); }
void leave_by_bus(const Shape&, std::uint32_t, Hops& hops) { hops.push_back({0, false}); }

}  // namespace

constinit const Topology kSharedMemory = {
    .name = "shared_memory",
    .meaning = "one bus or memory that all messages share",
    .source = "the symmetric multiprocessor: Hennessy and Patterson, \"Computer Architecture\", chapter 5",
    .parameters = {},
    .kinds = kKinds,
    .misfit = [](const Shape&) -> std::optional<Misfit> { return std::nullopt; },
    .cable_count = [](const Shape&) -> std::uint64_t { return 1; },
    .cable = [](const Shape&, std::uint32_t) -> Cable { return {0, 0, 0, true}; },
    .route = take_bus,
    .leave = leave_by_bus,
    .diameter = [](const Shape&) -> std::uint32_t { return 1; },
    .bisection = [](const Shape&, std::span<const Link> kinds) { return kinds[0].bandwidth; }};

}  // namespace tandem

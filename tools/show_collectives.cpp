// The algorithms of collectives, and what each costs for a given size.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "base/error.hpp"
#include "plan/collective.hpp"
#include "tools/collective_choice.hpp"
#include "tools/host.hpp"
#include "tools/output.hpp"
#include "tools/show.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

constexpr CollectiveKind kKinds[] = {CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                     CollectiveKind::all_gather, CollectiveKind::broadcast, CollectiveKind::all_to_all};

/// A vector of so many values among so many ranks, and where they live.
struct Question {
  std::uint32_t ranks = 0;
  Bytes bytes;
  std::optional<Cluster> cluster;
};

struct Answer {
  const CollectiveAlgorithm* algorithm;
  CollectiveKind kind;
  std::uint32_t rounds;
  Bytes most_sent;               ///< by the rank that sends most
  std::optional<Seconds> time;   ///< alone on the cluster, no link shared
};

Bytes asked_bytes(const std::string& value) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;
  try {
    const Bytes bytes = parse_quantity<Bytes>(value);
    if (bytes.count < 4 || bytes.count % 4 != 0 || bytes.count > kMostBytes)
      throw InputError("--bytes: no vector of 4-byte values", value, "a multiple of 4 B up to 1 PiB");
    return bytes;
  } catch (const QuantityError& error) {
    throw InputError(fmt::format("--bytes: {}", error.problem), value, error.want);
  }
}

std::optional<Question> question_of(const Arguments& arguments, Console& console) {
  if (!arguments.has("ranks") && !arguments.has("bytes") && !arguments.has("on")) return {};
  if (!arguments.has("ranks") || !arguments.has("bytes"))
    throw InputError("a cost is of a number of ranks and a size", "", "--ranks N --bytes S");
  Question question;
  question.ranks = static_cast<std::uint32_t>(arguments.integer("ranks", 2, 4096, 2));
  question.bytes = asked_bytes(*arguments.text("bytes"));
  if (const auto name = arguments.text("on")) question.cluster = cluster_for(*name, console);
  return question;
}

/// Of an all-to-all the vector is twice as long as what is brought, so that both halves have n equal blocks.
CollectiveShape shape_of(const Question& question, CollectiveKind kind) {
  std::int64_t elements = question.bytes.count / 4;
  if (kind == CollectiveKind::all_to_all) elements = (elements + question.ranks - 1) / question.ranks * question.ranks * 2;
  CollectiveShape shape;
  shape.kind = kind;
  shape.ranks = question.ranks;
  shape.bounds = equal_bounds(elements, question.ranks);
  return shape;
}

std::vector<Answer> answers(const Question& question) {
  std::vector<DeviceId> devices;
  if (question.cluster) devices = place_workers(*question.cluster, question.ranks);
  std::vector<Answer> rows;
  for (const CollectiveKind kind : kKinds) {
    CollectiveShape shape = shape_of(question, kind);
    std::optional<GroupRoutes> routes;
    if (question.cluster) routes = group_routes(*question.cluster, devices);
    if (routes) shape.ranks_per_node = routes->ranks_per_node;
    for (const CollectiveAlgorithm& algorithm : collective_algorithms()) {
      if (!algorithm.suits(shape)) continue;
      Answer answer{&algorithm, kind, algorithm.rounds(shape), {}, {}};
      for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
        answer.most_sent = std::max(answer.most_sent, bytes_sent(algorithm, shape, rank));
      if (routes) answer.time = uncontended_time(algorithm, shape, routes->inside, routes->between);
      rows.push_back(answer);
    }
  }
  return rows;
}

std::string cost_text(const Question& question, const std::vector<Answer>& rows) {
  std::string text = fmt::format("\n{} among {} ranks", to_text(question.bytes), question.ranks);
  if (question.cluster) text += fmt::format(" of {}, no link shared", question.cluster->name);
  text += fmt::format("\n{:<15} {:<17} {:>7} {:>16}{}\n", "kind", "algorithm", "rounds", "most sent",
                      question.cluster ? fmt::format(" {:>10}", "time") : "");
  for (const Answer& row : rows)
    text += fmt::format("{:<15} {:<17} {:>7} {:>16}{}\n", name_of(row.kind), row.algorithm->name, row.rounds,
                        to_text(row.most_sent), row.time ? fmt::format(" {:>10}", time_text(*row.time)) : "");
  return text;
}

Json cost_json(const std::vector<Answer>& rows) {
  Json costs = Json::array();
  for (const Answer& row : rows) {
    costs.push_back({{"kind", std::string(name_of(row.kind))},
                     {"algorithm", std::string(row.algorithm->name)},
                     {"rounds", row.rounds},
                     {"most_sent_bytes", row.most_sent.count}});
    if (row.time) costs.back()["time_s"] = row.time->value;
  }
  return costs;
}

}  // namespace

std::vector<Flag> collective_flags() {
  return {{"ranks", "N", "show collectives: what each costs among so many ranks", "collectives"},
          {"bytes", "SIZE", "show collectives: for a vector of this size; with --on also the time", "collectives"}};
}

void show_collectives(const Arguments& arguments, Console& console) {
  const std::optional<Question> question = question_of(arguments, console);
  const std::vector<Answer> rows = question ? answers(*question) : std::vector<Answer>{};
  Json algorithms = Json::array();
  std::string text;
  for (const CollectiveAlgorithm& row : collective_algorithms()) {
    algorithms.push_back({{"name", std::string(row.name)},
                          {"meaning", std::string(row.meaning)},
                          {"source", std::string(row.source)}});
    text += wrapped(row.meaning, fmt::format("{:<17} ", row.name), std::string(18, ' ')) +
            wrapped(row.source, std::string(18, ' '));
  }
  if (!arguments.has("json")) {
    console.out << text << (question ? cost_text(*question, rows) : "");
    return;
  }
  Json json = {{"algorithms", algorithms}};
  if (question) json["costs"] = cost_json(rows);
  print_json(console, json);
}

}  // namespace tandem

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "hardware_profiles/device_groups.hpp"
#include "hardware_profiles/profile_reading.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kLargestDimension = 1'000'000'000;
constexpr std::int64_t kMostThreads = 1'000'000;
constexpr std::int64_t kMostRuns = 1'000'000'000;

bool has_products(const Device& device) { return !device.product_rates.points.empty(); }

void read_products(const YamlNode& section, Device& device) {
  section.only_keys({"points", "source"});
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, int> lines;
  for (const YamlNode& row : read_rows(section, "points", 4, "[m, n, k, rate]")) {
    const auto dimension = [&](std::size_t at) { return row.items()[at].integer(1, kLargestDimension); };
    const ProductRates::Point point{dimension(0), dimension(1), dimension(2), read_arithmetic_rate(row.items()[3])};
    const auto [first, fresh] = lines.try_emplace({point.m, point.n, point.k}, row.position().line);
    if (!fresh) row.fail(fmt::format("this shape stands in line {} already", first->second));
    device.product_rates.points.push_back(point);
  }
}

std::string write_products(const Device& device) {
  std::string text = "  points:\n";
  for (const ProductRates::Point& point : device.product_rates.points)
    fmt::format_to(std::back_inserter(text), "    - [{}, {}, {}, {}]\n", point.m, point.n, point.k,
                   to_exact_text(point.rate));
  return text;
}

RateCurve read_curve(const YamlNode& section) {
  section.only_keys({"points", "source"});
  RateCurve curve;
  for (const YamlNode& row : read_rows(section, "points", 2, "[size, rate]")) {
    const RateCurve::Point point{row.items()[0].quantity<Bytes>(), read_transfer_rate(row.items()[1])};
    if (!curve.points.empty() && point.size <= curve.points.back().size)
      row.items()[0].fail("sizes must ascend", row.items()[0].text(),
                          fmt::format("above {}", to_text(curve.points.back().size)));
    curve.points.push_back(point);
  }
  return curve;
}

std::string write_curve(const RateCurve& curve) {
  std::string text = "  points:\n";
  for (const RateCurve::Point& point : curve.points)
    text += fmt::format("    - [{}, {}]\n", to_exact_text(point.size), to_exact_text(point.rate));
  return text;
}

bool has_elementwise(const Device& device) { return !device.elementwise.points.empty(); }
void read_elementwise(const YamlNode& section, Device& device) { device.elementwise = read_curve(section); }
std::string write_elementwise(const Device& device) { return write_curve(device.elementwise); }

bool has_copy(const Device& device) { return !device.copy.points.empty(); }
void read_copy(const YamlNode& section, Device& device) { device.copy = read_curve(section); }
std::string write_copy(const Device& device) { return write_curve(device.copy); }

bool has_transcendentals(const Device& device) { return device.transcendentals_per_second > 0; }

void read_transcendentals(const YamlNode& section, Device& device) {
  section.only_keys({"per_second", "source"});
  device.transcendentals_per_second = section.at("per_second").number(1, kFastestArithmetic.value);
}

std::string write_transcendentals(const Device& device) {
  return fmt::format("  per_second: {}\n", device.transcendentals_per_second);
}

bool has_concurrency(const Device& device) { return !device.concurrency.points.empty(); }

void read_concurrency(const YamlNode& section, Device& device) {
  section.only_keys({"turn", "points", "source"});
  if (const YamlNode* turn = section.find("turn")) device.concurrency.turn = read_time(*turn);
  if (device.concurrency.turn.value < kShortestTurn.value)
    section.at("turn").fail("no time for a thread", "", to_text(kShortestTurn) + " or more");
  std::vector<Concurrency::Point>& points = device.concurrency.points;
  for (const YamlNode& row : read_rows(section, "points", 2, "[threads, slowdown]")) {
    const std::int64_t least = points.empty() ? 1 : points.back().threads + 1;
    points.push_back({row.items()[0].integer(least, kMostThreads), row.items()[1].number(0.01, 1000)});
  }
}

std::string write_concurrency(const Device& device) {
  std::string text = fmt::format("  turn: {}\n  points:\n", to_exact_text(device.concurrency.turn));
  for (const Concurrency::Point& point : device.concurrency.points)
    text += fmt::format("    - [{}, {}]\n", point.threads, point.slowdown);
  return text;
}

bool has_kernels(const Device& device) { return !device.kernels.empty(); }

MeasuredKernel read_kernel(const YamlNode& row) {
  const std::vector<YamlNode>& cells = row.items();
  const MeasuredKernel kernel{cells[0].text(), read_time(cells[1]), read_time(cells[2]), read_time(cells[3]),
                              cells[4].integer(1, kMostRuns)};
  if (kernel.signature.empty()) cells[0].fail("empty signature");
  if (kernel.p10 > kernel.median || kernel.median > kernel.p90)
    row.fail("percentiles out of order", "", "10th <= median <= 90th");
  return kernel;
}

void read_kernels(const YamlNode& section, Device& device) {
  section.only_keys({"rows", "source"});
  std::map<std::string, int, std::less<>> lines;
  for (const YamlNode& row : read_rows(section, "rows", 5, "[signature, median, 10th percentile, 90th, runs]")) {
    MeasuredKernel kernel = read_kernel(row);
    const auto [first, fresh] = lines.try_emplace(kernel.signature, row.position().line);
    if (!fresh) row.fail(fmt::format("this kernel stands in line {} already", first->second), kernel.signature);
    device.kernels.push_back(std::move(kernel));
  }
  std::sort(device.kernels.begin(), device.kernels.end(),
            [](const MeasuredKernel& a, const MeasuredKernel& b) { return a.signature < b.signature; });
}

std::string write_kernels(const Device& device) {
  std::string text = "  rows:\n";
  for (const MeasuredKernel& kernel : device.kernels)
    fmt::format_to(std::back_inserter(text), "    - [{}, {}, {}, {}, {}]\n", quoted(kernel.signature),
                   to_exact_text(kernel.median), to_exact_text(kernel.p10), to_exact_text(kernel.p90), kernel.runs);
  return text;
}

constexpr DeviceGroup kGroups[] = {
    {"product_rates", false, has_products, read_products, write_products},
    {"elementwise", false, has_elementwise, read_elementwise, write_elementwise},
    {"copy", false, has_copy, read_copy, write_copy},
    {"transcendentals", false, has_transcendentals, read_transcendentals, write_transcendentals},
    {"concurrency", false, has_concurrency, read_concurrency, write_concurrency},
    {"kernels", false, has_kernels, read_kernels, write_kernels},
};

}  // namespace

std::span<const DeviceGroup> measured_groups() { return kGroups; }

}  // namespace tandem

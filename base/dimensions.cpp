#include "base/dimensions.hpp"

#include <array>

namespace tandem {

namespace {

constexpr std::array kDimensions{
    Dimension{"a size in bytes", "B", "kMGT", true, "\"80 GiB\" or \"80 GB\""},
    Dimension{"a time", "s", "pnum", false, "\"5 us\""},
    Dimension{"a bandwidth", "B/s", "kMGT", true, "\"300 GB/s\""},
    Dimension{"a compute rate", "FLOP/s", "kMGTPE", false, "\"1.36 TFLOP/s\""},
    Dimension{"a power", "W", "umkM", false, "\"205 W\""},
    Dimension{"an energy", "J", "pnumkMG", false, "\"3 kJ\""},
    Dimension{"a frequency", "Hz", "kMGT", false, "\"2.5 GHz\""},
    Dimension{"an amount of work", "FLOP", "kMGTPEZY", false, "\"24 GFLOP\""},
};

constexpr std::array kDecimalPrefixes{
    Prefix{"p", -12}, Prefix{"n", -9}, Prefix{"u", -6}, Prefix{"m", -3}, Prefix{"", 0},   Prefix{"k", 3},
    Prefix{"M", 6},   Prefix{"G", 9},  Prefix{"T", 12}, Prefix{"P", 15}, Prefix{"E", 18}, Prefix{"Z", 21},
    Prefix{"Y", 24},
};

constexpr std::array kBinaryPrefixes{
    Prefix{"Ki", 0, 10}, Prefix{"Mi", 0, 20}, Prefix{"Gi", 0, 30}, Prefix{"Ti", 0, 40},
};

}  // namespace

std::span<const Dimension> all_dimensions() { return kDimensions; }

std::vector<Prefix> prefixes_of(const Dimension& dimension) {
  std::vector<Prefix> prefixes;
  for (const Prefix& prefix : kDecimalPrefixes) {
    if (dimension.si_prefixes.find(prefix.text) != std::string_view::npos) prefixes.push_back(prefix);
  }
  if (dimension.binary_prefixes) prefixes.insert(prefixes.end(), kBinaryPrefixes.begin(), kBinaryPrefixes.end());
  return prefixes;
}

UnitMatch match_unit(const Dimension& dimension, std::string_view unit) {
  if (!unit.ends_with(dimension.symbol)) return {};
  unit.remove_suffix(dimension.symbol.size());
  for (const Prefix& prefix : prefixes_of(dimension)) {
    if (prefix.text == unit) return {true, prefix};
  }
  return {};
}

template <> const Dimension& dimension_of<Bytes>() { return kDimensions[0]; }
template <> const Dimension& dimension_of<Seconds>() { return kDimensions[1]; }
template <> const Dimension& dimension_of<BytesPerSecond>() { return kDimensions[2]; }
template <> const Dimension& dimension_of<FlopsPerSecond>() { return kDimensions[3]; }
template <> const Dimension& dimension_of<Watts>() { return kDimensions[4]; }
template <> const Dimension& dimension_of<Joules>() { return kDimensions[5]; }
template <> const Dimension& dimension_of<Hertz>() { return kDimensions[6]; }
template <> const Dimension& dimension_of<Flops>() { return kDimensions[7]; }

}  // namespace tandem

#include "exec/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "models/layer.hpp"

namespace tandem {

namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::string_view kType = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
constexpr std::size_t kPrefix = kMagic.size() + 2;  // and the header's length in 16 bits
constexpr std::size_t kAlignedTo = 64;

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

/// A Python dictionary, padded with spaces and ended by a newline so that the values are aligned.
std::string header_of(std::span<const std::int64_t> shape) {
  std::string header(kType);
  for (const auto dim : shape) header += fmt::format("{},", dim);
  header += "), }";
  const auto used = kPrefix + header.size() + 1;
  header.append((kAlignedTo - used % kAlignedTo) % kAlignedTo, ' ');
  return header + '\n';
}

std::vector<std::int64_t> parse_shape(std::string_view list, const std::string& name) {
  std::vector<std::int64_t> shape;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto token = list.substr(0, comma);
    const bool digits = !token.empty() && token.size() < 19 && token.find_first_not_of("0123456789") == token.npos;
    if (!digits || comma == list.npos)
      throw InputError({name}, "no shape of an array", list, "whole numbers, each with a comma");
    shape.push_back(std::stoll(std::string(token)));
    list.remove_prefix(comma + 1);
  }
  return shape;
}

}  // namespace

std::string npy_bytes(std::span<const std::int64_t> shape, std::span<const float> values) {
  invariant(element_count(shape) == static_cast<std::int64_t>(values.size()),
            "an array has as many values as its shape");
  const auto header = header_of(shape);
  std::string bytes(kMagic);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  const auto start = bytes.size();
  bytes.resize(start + values.size_bytes());
  if (!values.empty()) std::memcpy(bytes.data() + start, values.data(), values.size_bytes());
  return bytes;
}

void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values,
               bool force) {
  write_file(path, npy_bytes(shape, values), force);
}

NpyArray parse_npy(const std::string& bytes, const std::string& name) {
  const auto header_start = bytes.find(kType), shape_end = bytes.find(')', kPrefix);
  if (!bytes.starts_with(kMagic) || header_start != kPrefix || shape_end == bytes.npos) {
    throw InputError({name}, "no array that can be read", {}, ".npy version 1.0, little-endian float32, row-major");
  }
  const auto shape_start = kPrefix + kType.size();
  NpyArray array{parse_shape(std::string_view(bytes).substr(shape_start, shape_end - shape_start), name), {}};
  const auto count = static_cast<std::size_t>(element_count(array.shape));
  const auto start = kPrefix + static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  const auto held = bytes.size() < start ? 0 : (bytes.size() - start) / sizeof(float);
  if (bytes.size() < start || (bytes.size() - start) % sizeof(float) != 0 || held != count) {
    throw InputError({name}, "an array's size differs from its shape", fmt::format("{} values", held),
                     fmt::format("{}", count));
  }
  array.values.resize(count);
  if (count > 0) std::memcpy(array.values.data(), bytes.data() + start, count * sizeof(float));
  return array;
}

}  // namespace tandem

#pragma once
// Arrays of float as NumPy's .npy files, format version 1.0 (numpy.lib.format).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tandem {

struct NpyArray {
  std::vector<std::int64_t> shape;  ///< empty: one value
  std::vector<float> values;        ///< row-major
};

/// The bytes of the file: little-endian float32 in row-major order, the values starting at a multiple of 64.
std::string npy_bytes(std::span<const std::int64_t> shape, std::span<const float> values);

/// Writes a whole file or none. Throws InputError when `path` exists and `force` is false; ResourceError when it cannot
/// be written.
void write_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values, bool force);

/// Reads what npy_bytes writes. Throws InputError for other types, orders and versions, and for a size that differs
/// from the shape; `name` is for its message.
NpyArray parse_npy(const std::string& bytes, const std::string& name);

}  // namespace tandem

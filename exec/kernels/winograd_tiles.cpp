#include "exec/kernels/winograd_tiles.hpp"

#include <array>

namespace tandem {

void deal(const float* from, std::int64_t count, float* first, float* second) {
#pragma GCC ivdep
  for (std::int64_t at = 0; at < count / 2; ++at) {
    first[at] = from[2 * at];
    second[at] = from[2 * at + 1];
  }
  if (count % 2 == 1) first[count / 2] = from[count - 1];
}

namespace {

template <bool accumulate>
void interleave(const float* first, const float* second, std::int64_t count, float* to) {
  const std::int64_t pairs = count / 2;
#pragma GCC ivdep
  for (std::int64_t at = 0; at < pairs; ++at) {
    to[2 * at] = accumulate ? to[2 * at] + first[at] : first[at];
    to[2 * at + 1] = accumulate ? to[2 * at + 1] + second[at] : second[at];
  }
  if (count % 2 == 1) to[count - 1] = accumulate ? to[count - 1] + first[pairs] : first[pairs];
}

}  // namespace

void collect(const float* first, const float* second, std::int64_t count, bool accumulate, float* to) {
  if (accumulate) interleave<true>(first, second, count, to);
  else interleave<false>(first, second, count, to);
}

namespace {

/// Four values of each tile, of the line that `line(at)` gives.
template <class Line>
void transform_line(const TileRow& row, Line line, float* values) {
  float *const first = values, *const second = values + row.stride, *const third = second + row.stride,
               *const fourth = third + row.stride;
#pragma GCC ivdep
  for (std::int64_t tile = 0; tile < row.tiles; ++tile) {
    const float even = line(tile), odd = line(row.half + tile), next = line(tile + 1), last = line(row.half + tile + 1);
    first[tile] = even - next;
    second[tile] = odd + next;
    third[tile] = next - odd;
    fourth[tile] = odd - last;
  }
}

/// Adds to a line what `value(j, tile)`, j below four, owes it.
template <class Value>
void add_line(const TileRow& row, Value value, float* line) {
  float *const even = line, *const odd = line + row.half;
#pragma GCC ivdep
  for (std::int64_t tile = 0; tile < row.tiles; ++tile) {
    even[tile] += value(0, tile);
    odd[tile] += value(1, tile) - value(2, tile) + value(3, tile);
  }
#pragma GCC ivdep
  for (std::int64_t tile = 0; tile < row.tiles; ++tile) {
    even[tile + 1] += value(1, tile) + value(2, tile) - value(0, tile);
    odd[tile + 1] -= value(3, tile);
  }
}

/// Even and odd columns of a line of outputs.
template <class Value>
void sum_line(const TileRow& row, Value value, float* line) {
#pragma GCC ivdep
  for (std::int64_t tile = 0; tile < row.tiles; ++tile) {
    const float second = value(1, tile), third = value(2, tile);
    line[tile] = value(0, tile) + second + third;
    line[row.half + tile] = second - third - value(3, tile);
  }
}

}  // namespace

void TileRow::input(const float* lines, float* values) const {
  const float *const a = lines, *const b = a + 2 * half, *const c = b + 2 * half, *const d = c + 2 * half;
  transform_line(*this, [=](std::int64_t at) { return a[at] - c[at]; }, values);
  transform_line(*this, [=](std::int64_t at) { return b[at] + c[at]; }, values + 4 * stride);
  transform_line(*this, [=](std::int64_t at) { return c[at] - b[at]; }, values + 8 * stride);
  transform_line(*this, [=](std::int64_t at) { return b[at] - d[at]; }, values + 12 * stride);
}

void TileRow::add_input_gradient(const float* values, float* lines) const {
  const std::int64_t next = stride;
  const float *const a = values, *const b = a + 4 * next, *const c = b + 4 * next, *const d = c + 4 * next;
  const auto at = [next](std::int64_t j, std::int64_t tile) { return j * next + tile; };
  add_line(*this, [=](auto j, auto t) { return a[at(j, t)]; }, lines);
  add_line(*this, [=](auto j, auto t) { return b[at(j, t)] - c[at(j, t)] + d[at(j, t)]; }, lines + 2 * half);
  add_line(*this, [=](auto j, auto t) { return b[at(j, t)] + c[at(j, t)] - a[at(j, t)]; }, lines + 4 * half);
  add_line(*this, [=](auto j, auto t) { return -d[at(j, t)]; }, lines + 6 * half);
}

void TileRow::output(const float* values, float* lines) const {
  const std::int64_t next = stride;
  const float *const a = values, *const b = a + 4 * next, *const c = b + 4 * next, *const d = c + 4 * next;
  const auto at = [next](std::int64_t j, std::int64_t tile) { return j * next + tile; };
  sum_line(*this, [=](auto j, auto t) { return a[at(j, t)] + b[at(j, t)] + c[at(j, t)]; }, lines);
  sum_line(*this, [=](auto j, auto t) { return b[at(j, t)] - c[at(j, t)] - d[at(j, t)]; }, lines + 2 * half);
}

void TileRow::output_gradient(const float* lines, float* values) const {
  const float *const top = lines, *const bottom = lines + 2 * half;
  const auto put = [&](std::int64_t k, auto value) {
    float* const to = values + k * stride;
#pragma GCC ivdep
    for (std::int64_t tile = 0; tile < tiles; ++tile) to[tile] = value(tile);
  };
  const auto put_column = [&](std::int64_t j, auto of) {
    put(j, [=](std::int64_t t) { return of(top, t); });
    put(4 + j, [=](std::int64_t t) { return of(top, t) + of(bottom, t); });
    put(8 + j, [=](std::int64_t t) { return of(top, t) - of(bottom, t); });
    put(12 + j, [=](std::int64_t t) { return -of(bottom, t); });
  };
  const std::int64_t odd = half;
  put_column(0, [](const float* line, std::int64_t t) { return line[t]; });
  put_column(1, [odd](const float* line, std::int64_t t) { return line[t] + line[odd + t]; });
  put_column(2, [odd](const float* line, std::int64_t t) { return line[t] - line[odd + t]; });
  put_column(3, [odd](const float* line, std::int64_t t) { return -line[odd + t]; });
}

void transform_weight(const float* weight, float* values, std::int64_t stride) {
  std::array<float, 12> columns;  // G g: four rows of three
  const auto spread = [](const float* from, std::int64_t step, auto put) {
    const float ends = from[0] + from[2 * step], middle = from[step];
    put(0, from[0]);
    put(1, (ends + middle) * 0.5F);
    put(2, (ends - middle) * 0.5F);
    put(3, from[2 * step]);
  };
  for (std::size_t x = 0; x < 3; ++x)
    spread(weight + x, 3, [&](std::size_t k, float value) { columns[3 * k + x] = value; });
  for (std::int64_t y = 0; y < 4; ++y)
    spread(columns.data() + 3 * y, 1, [&](std::int64_t k, float value) { values[(4 * y + k) * stride] = value; });
}

void add_weight_gradient(const float* values, std::int64_t stride, float* gradient) {
  std::array<float, 12> columns;  // G^T u: three rows of four
  const auto gather = [](auto value, auto put) {
    const float sum = (value(1) + value(2)) * 0.5F, difference = (value(1) - value(2)) * 0.5F;
    put(0, value(0) + sum);
    put(1, difference);
    put(2, sum + value(3));
  };
  for (std::size_t x = 0; x < 4; ++x)
    gather([&](std::int64_t k) { return values[(4 * k + static_cast<std::int64_t>(x)) * stride]; },
           [&](std::size_t k, float value) { columns[4 * k + x] = value; });
  for (std::size_t y = 0; y < 3; ++y)
    gather([&](std::size_t k) { return columns[4 * y + k]; },
           [&](std::size_t k, float value) { gradient[3 * y + k] += value; });
}

}  // namespace tandem

#include "base/utf8.hpp"

namespace tandem {

namespace {

unsigned byte_at(std::string_view text, std::size_t index) {
  return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
}

bool within(unsigned byte, unsigned low, unsigned high) { return low <= byte && byte <= high; }

std::size_t length_by_first_byte(unsigned first) {
  if (first < 0x80) return 1;
  if (within(first, 0xC2, 0xDF)) return 2;
  if (within(first, 0xE0, 0xEF)) return 3;
  return within(first, 0xF0, 0xF4) ? 4 : 0;
}

bool second_byte_fits(unsigned first, unsigned second) {
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return within(second, low, high);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned first = byte_at(text, 0);
  const std::size_t length = length_by_first_byte(first);
  if (length > 1 && !second_byte_fits(first, byte_at(text, 1))) return 0;
  for (std::size_t index = 2; index < length; ++index) {
    if (!within(byte_at(text, index), 0x80, 0xBF)) return 0;
  }
  return length;
}

}  // namespace tandem

#include "base/error.hpp"
#include "exec/npy.hpp"
#include "tests/catch.hpp"

namespace tandem {

namespace {

std::string bytes_of(std::vector<std::int64_t> shape, std::vector<float> values) { return npy_bytes(shape, values); }

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

}  // namespace

TEST_CASE("an array's file has NumPy's magic, a dictionary, and values at a multiple of 64 bytes") {
  const auto bytes = bytes_of({2, 1}, {1.0F, -2.0F});

  CHECK(bytes.size() == 128 + 2 * 4);  // 10 + 59 characters and a newline are more than 64
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  CHECK(bytes[8] == 118);  // 128 - 10, little-endian
  CHECK(bytes[9] == 0);
  CHECK(bytes.substr(10, 59) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2,1,), }");
  CHECK(bytes[127] == '\n');
  CHECK(bytes.substr(128) == std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8));  // 1 and -2 in IEEE 754
}

TEST_CASE("arrays of every rank are read back") {
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{}, {1}, {6}, {2, 3}, {1, 2, 3}, {0}, {4, 0}}) {
    std::int64_t count = 1;
    for (const auto dim : shape) count *= dim;
    std::vector<float> values;
    for (std::int64_t at = 0; at < count; ++at) values.push_back(static_cast<float>(at) + 0.5F);

    const auto array = parse_npy(bytes_of(shape, values), "array.npy");

    CHECK(array.shape == shape);
    CHECK(array.values == values);
  }
}

TEST_CASE("an array cut short at any byte is refused") {
  const auto bytes = bytes_of({3}, {1, 2, 3});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_THROWS_AS(parse_npy(bytes.substr(0, length), "cut.npy"), InputError);
  }
}

TEST_CASE("arrays of other types, orders, versions and sizes are refused") {
  const auto bytes = bytes_of({3}, {1, 2, 3});

  CHECK_THROWS_AS(parse_npy(replaced(bytes, "<f4", "<f8"), "a.npy"), InputError);
  CHECK_THROWS_AS(parse_npy(replaced(bytes, "False", "True "), "a.npy"), InputError);
  CHECK_THROWS_AS(parse_npy(replaced(bytes, "NUMPY\x01", "NUMPY\x02"), "a.npy"), InputError);
  CHECK_THROWS_AS(parse_npy(replaced(bytes, "(3,)", "(4,)"), "a.npy"), InputError);
  CHECK_THROWS_AS(parse_npy(replaced(bytes, "(3,)", "(-,)"), "a.npy"), InputError);
  CHECK_THROWS_AS(parse_npy(bytes + "x", "a.npy"), InputError);
}

TEST_CASE("an array must have as many values as its shape") {
  CHECK_THROWS_AS(bytes_of({2, 2}, {1, 2, 3}), InvariantError);
}

}  // namespace tandem

#include <rapidcheck.h>

#include <algorithm>

#include "plan/segment.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

std::vector<Lifetime> any_lifetimes() {
  std::vector<Lifetime> lives;
  for (int count = *rc::gen::inRange(0, 12); count > 0; --count) {
    const auto birth = *rc::gen::inRange<std::int64_t>(0, 10);
    lives.push_back({birth, birth + *rc::gen::inRange<std::int64_t>(1, 6), {*rc::gen::inRange<std::int64_t>(1, 400)}});
  }
  return lives;
}

bool alive_together(const Lifetime& a, const Lifetime& b) { return a.birth < b.death && b.birth < a.death; }

std::int64_t most_alive(const std::vector<Lifetime>& lives) {
  std::int64_t most = 0;
  for (std::int64_t time = 0; time < 20; ++time) {
    std::int64_t now = 0;
    for (const Lifetime& life : lives)
      if (life.birth <= time && time < life.death) now += aligned_size(life.bytes);
    most = std::max(most, now);
  }
  return most;
}

}  // namespace

TEST_CASE("tensors that are alive together never share a byte, and the workspace holds them all") {
  const bool holds = rc::check([] {
    const std::vector<Lifetime> lives = any_lifetimes();

    const Packing packing = pack_lifetimes(lives);

    RC_ASSERT(packing.offsets.size() == lives.size());
    std::int64_t end = 0, sum = 0;
    for (std::size_t i = 0; i < lives.size(); ++i) {
      RC_ASSERT(packing.offsets[i] >= 0 && packing.offsets[i] % kAlignment == 0);
      end = std::max(end, packing.offsets[i] + aligned_size(lives[i].bytes));
      sum += aligned_size(lives[i].bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const bool apart = packing.offsets[i] + lives[i].bytes.count <= packing.offsets[j] ||
                           packing.offsets[j] + lives[j].bytes.count <= packing.offsets[i];
        RC_ASSERT(apart || !alive_together(lives[i], lives[j]));
      }
    }
    RC_ASSERT(packing.size.count == end);
    RC_ASSERT(packing.size.count >= most_alive(lives));
    RC_ASSERT(packing.size.count <= sum);
  });

  CHECK(holds);
}

TEST_CASE("a workspace is used again by what lives later") {
  const Packing packing = pack_lifetimes({{0, 2, {128}}, {1, 3, {64}}, {2, 4, {128}}});

  CHECK(packing.offsets == std::vector<std::int64_t>{0, 128, 0});  // the third takes the place of the first
  CHECK(packing.size == Bytes{192});
}

TEST_CASE("a tensor goes into the first gap that is large enough") {
  // 256 bytes live throughout; beside them 128 in [0, 2) and 64 in [2, 4) take turns at offset 256.
  const Packing packing = pack_lifetimes({{0, 2, {128}}, {0, 4, {256}}, {2, 4, {64}}, {0, 4, {64}}});

  CHECK(packing.offsets == std::vector<std::int64_t>{256, 0, 256, 384});
  CHECK(packing.size == Bytes{448});
}

TEST_CASE("sizes are rounded up to the alignment") {
  const Packing packing = pack_lifetimes({{0, 1, {1}}, {0, 1, {65}}});

  CHECK(packing.offsets == std::vector<std::int64_t>{128, 0});
  CHECK(packing.size == Bytes{192});
  CHECK(pack_lifetimes({}).size == Bytes{0});
}

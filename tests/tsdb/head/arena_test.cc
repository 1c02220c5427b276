#include "tsdb/head/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

namespace deucalion::tsdb {
namespace {

TEST(ArenaTest, BlocksNeverOverlapAndComeZeroed) {
  Arena arena;
  SizeClassPool pool(&arena);
  struct Block {
    size_t bytes;
    uint8_t fill;
  };
  std::map<ArenaRef, Block> live;
  std::mt19937_64 rng(7);
  size_t used = 0;
  for (int step = 0; step < 200'000; step++) {
    if (live.size() < 2000 && rng() % 3 != 0) {
      // Mostly the sizes of chunks, now and then one of several pages.
      const size_t bytes = rng() % 500 == 0 ? 1 + rng() % 20'000 : 1 + rng() % 1400;
      const ArenaRef ref = pool.Alloc(bytes);
      ASSERT_NE(ref, 0u);
      const size_t size = SizeClassPool::RoundUp(bytes);
      uint8_t* p = arena.At(ref);
      for (size_t i = 0; i < size; i++) ASSERT_EQ(p[i], 0) << "step " << step << " byte " << i;
      const auto fill = static_cast<uint8_t>(1 + rng() % 255);
      std::memset(p, fill, size);
      ASSERT_TRUE(live.emplace(ref, Block{bytes, fill}).second);
      used += size;
    } else if (!live.empty()) {
      auto it = live.lower_bound(static_cast<ArenaRef>(rng()));
      if (it == live.end()) it = live.begin();
      const uint8_t* p = arena.At(it->first);
      const size_t size = SizeClassPool::RoundUp(it->second.bytes);
      for (size_t i = 0; i < size; i++) ASSERT_EQ(p[i], it->second.fill) << "step " << step;
      pool.Free(it->first, it->second.bytes);
      used -= size;
      live.erase(it);
    }
    if (step % 10'000 == 0) arena.Trim();
    ASSERT_EQ(pool.used_bytes(), used);
  }
  for (const auto& [ref, block] : live) pool.Free(ref, block.bytes);
  EXPECT_EQ(pool.used_bytes(), 0u);
}

TEST(ArenaTest, MemoryOfOneSizeServesAllOthers) {
  Arena arena;
  SizeClassPool pool(&arena);
  constexpr size_t kBlocks = 5000;
  size_t most = 0;
  // As the open chunks of a head: all of them grow together.
  std::vector<ArenaRef> blocks(kBlocks);
  size_t before = 0;
  for (size_t bytes = 32; bytes <= 512; bytes += 32) {
    for (ArenaRef& ref : blocks) {
      const ArenaRef bigger = pool.Alloc(bytes);
      if (before != 0) pool.Free(ref, before);
      ref = bigger;
    }
    before = bytes;
    most = std::max(most, arena.size_bytes());
  }
  // The sum over all sizes would be 8.5 times what is in use at the end.
  EXPECT_LT(most, kBlocks * 512 * 5 / 4);
  for (const ArenaRef ref : blocks) pool.Free(ref, before);
  EXPECT_EQ(arena.size_bytes(), 0u);
}

TEST(ArenaTest, ManyPoolsShareThePages) {
  Arena arena;
  std::vector<std::unique_ptr<SizeClassPool>> pools;
  for (int i = 0; i < 16; i++) pools.push_back(std::make_unique<SizeClassPool>(&arena));
  std::vector<ArenaRef> refs;
  for (int i = 0; i < 1000; i++) refs.push_back(pools[0]->Alloc(64));
  const size_t first = arena.size_bytes();
  for (const ArenaRef ref : refs) pools[0]->Free(ref, 64);
  for (int i = 0; i < 1000; i++) ASSERT_NE(pools[1]->Alloc(64), 0u);
  EXPECT_EQ(arena.size_bytes(), first);
}

TEST(ArenaTest, TrimmedPagesAreUsableAgain) {
  Arena arena;
  std::vector<ArenaRef> pages;
  for (int i = 0; i < 1000; i++) pages.push_back(arena.TakePage());
  for (const ArenaRef page : pages) {
    std::memset(arena.At(page), 0xff, Arena::kPageBytes);
    arena.GivePage(page);
  }
  arena.Trim();  // what was free since the last call: nothing yet
  arena.Trim();
  for (int i = 0; i < 1000; i++) {
    const ArenaRef page = arena.TakePage();
    ASSERT_NE(page, 0u);
    // The system gave it back empty.
    EXPECT_EQ(arena.At(page)[17], 0) << i;
  }
}

}  // namespace
}  // namespace deucalion::tsdb

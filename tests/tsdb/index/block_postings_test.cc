#include "tsdb/index/block_postings.h"

#include <gtest/gtest.h>

#include <random>

namespace deucalion::tsdb {
namespace {

std::vector<SeriesNumber> RandomNumbers(std::mt19937_64& rng, size_t count, uint32_t spread) {
  std::vector<SeriesNumber> numbers;
  SeriesNumber n = static_cast<SeriesNumber>(rng() % 100);
  while (numbers.size() < count) {
    numbers.push_back(n);
    n += 1 + static_cast<SeriesNumber>(rng() % spread);
  }
  return numbers;
}

TEST(BlockPostingsTest, EveryListComesBack) {
  std::mt19937_64 rng(1);
  for (const size_t count : {1, 2, 3, 32, 33, 34, 127, 128, 129, 256, 257, 1000, 5000}) {
    for (const uint32_t spread : {1, 2, 7, 1000, 100000}) {
      const auto numbers = RandomNumbers(rng, count, spread);
      std::string list;
      EncodePostings(numbers, &list);
      std::vector<SeriesNumber> got;
      ASSERT_TRUE(DecodePostings(list, numbers.back() + 1, &got)) << count << " " << spread;
      EXPECT_EQ(got, numbers);
      EXPECT_EQ(PostingsCount(list), count);
      got.clear();
      EXPECT_FALSE(DecodePostings(list, numbers.back(), &got)) << "a number beyond the series";
    }
  }
}

TEST(BlockPostingsTest, RunsTakeAByteOrTwoPerBlock) {
  std::vector<SeriesNumber> numbers;
  for (SeriesNumber n = 0; n < 128 * 100; ++n) numbers.push_back(n);
  std::string list;
  EncodePostings(numbers, &list);
  EXPECT_LE(list.size(), 100 * 9 + 4u);
}

TEST(BlockPostingsTest, FilteringEqualsDecodingAndIntersecting) {
  std::mt19937_64 rng(2);
  for (int round = 0; round < 300; ++round) {
    const auto numbers =
        RandomNumbers(rng, 1 + rng() % 3000, 1 + static_cast<uint32_t>(rng() % 20));
    std::string list;
    EncodePostings(numbers, &list);
    const auto candidates = RandomNumbers(rng, rng() % 200, 1 + static_cast<uint32_t>(rng() % 400));
    auto both = candidates, less = candidates;
    ASSERT_TRUE(FilterByPostings(list, UINT32_MAX, false, &both));
    ASSERT_TRUE(FilterByPostings(list, UINT32_MAX, true, &less));
    EXPECT_EQ(both, Intersect(candidates, numbers));
    EXPECT_EQ(less, Subtract(candidates, numbers));
  }
}

TEST(BlockPostingsTest, BrokenListsAreRefusedOrStaySorted) {
  std::mt19937_64 rng(3);
  std::string good;
  EncodePostings(RandomNumbers(rng, 400, 9), &good);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good.substr(0, 1 + rng() % good.size());
    bad[rng() % bad.size()] ^= static_cast<char>(1 << (rng() % 8));
    std::vector<SeriesNumber> got;
    if (!DecodePostings(bad, 5000, &got)) continue;
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
    EXPECT_LT(got.empty() ? 0 : got.back(), 5000u);
  }
}

}  // namespace
}  // namespace deucalion::tsdb

#include "tsdb/chunk/packed_times.h"

#include <gtest/gtest.h>

#include <random>

namespace deucalion::tsdb {
namespace {

size_t RoundTrip(const std::vector<int64_t>& times, int64_t base) {
  std::string bytes;
  EncodeTimes(times, base, &bytes);
  ByteReader in(bytes);
  TimesHeader header;
  EXPECT_TRUE(DecodeTimesHeader(&in, base, &header));
  EXPECT_EQ(header.count, times.size());
  EXPECT_EQ(header.first_ms, times.front());
  EXPECT_EQ(header.last_ms, times.back());
  std::vector<int64_t> got(times.size());
  EXPECT_TRUE(DecodeTimes(&in, header, got.data()));
  EXPECT_TRUE(in.done());
  EXPECT_EQ(got, times);
  return bytes.size();
}

TEST(PackedTimesTest, RegularColumnsTakeAFewBytes) {
  std::vector<int64_t> times;
  for (int i = 0; i < 480; ++i) times.push_back(1'700'000'000'000 + 15'000 * i);
  EXPECT_LE(RoundTrip(times, 1'700'000'000'000), 10u);
  times[479] += 7;
  EXPECT_LE(RoundTrip(times, 1'700'000'000'000), 40u);
}

TEST(PackedTimesTest, AnyAscendingTimesComeBack) {
  std::mt19937_64 rng(9);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> times{static_cast<int64_t>(rng() % 2'000'000'000'000) - 1'000'000'000'000};
    const size_t n = 1 + rng() % 500;
    const uint64_t spread = 1 + (rng() >> (30 + rng() % 34));
    while (times.size() < n)
      times.push_back(times.back() + 1 + static_cast<int64_t>(rng() % spread));
    RoundTrip(times, round % 2 ? 0 : times[0]);
  }
}

TEST(PackedTimesTest, RefusesTimesThatDoNotAscend) {
  std::string bytes;
  EncodeTimes(std::vector<int64_t>{1, 5, 6, 20}, 0, &bytes);
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string bad = bytes;
    bad[i / 8] ^= static_cast<char>(1 << (i % 8));
    ByteReader in(bad);
    TimesHeader header;
    if (!DecodeTimesHeader(&in, 0, &header) || header.count > 1000) continue;
    std::vector<int64_t> got(header.count);
    if (!DecodeTimes(&in, header, got.data())) continue;
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
    EXPECT_EQ(std::adjacent_find(got.begin(), got.end()), got.end());
  }
}

}  // namespace
}  // namespace deucalion::tsdb

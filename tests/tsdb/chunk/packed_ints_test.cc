#include "tsdb/chunk/packed_ints.h"

#include <gtest/gtest.h>

#include <random>

#include "tsdb/chunk/packed_unpack.h"

namespace deucalion::tsdb {
namespace {

std::vector<int64_t> Unpack(const std::string& bytes, size_t n) {
  ByteReader in(bytes);
  PackedIntsReader reader;
  std::vector<int64_t> got;
  if (!reader.Init(&in, n) || !in.done()) return got;
  int64_t part[kMiniblock];
  while (const size_t count = reader.Next(part)) got.insert(got.end(), part, part + count);
  return got;
}

TEST(PackedIntsTest, EveryWidthAndLengthComesBack) {
  std::mt19937_64 rng(5);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t n : {1, 2, 31, 32, 33, 64, 100}) {
      std::vector<int64_t> values(n);
      for (int64_t& v : values) v = width == 0 ? 9 : static_cast<int64_t>(rng() >> (64 - width));
      std::string bytes;
      PackInts(values, &bytes);
      EXPECT_EQ(Unpack(bytes, n), values) << width << " bits, " << n << " values";
      EXPECT_EQ(PackedSize(values), bytes.size());
    }
  }
}

TEST(PackedIntsTest, SparseMiniblocksCostLittle) {
  std::vector<int64_t> values(320, 0);
  values[40] = 1'000'000'000'000;
  values[200] = -1'000'000'000'000;
  std::string bytes;
  PackInts(values, &bytes);
  EXPECT_EQ(Unpack(bytes, values.size()), values);
  EXPECT_LE(bytes.size(), 48u);
}

TEST(PackedIntsTest, AnOutlierWidensItsMiniblockOnly) {
  std::vector<int64_t> values(320);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i % 4);
  std::string plain, with;
  PackInts(values, &plain);
  values[100] = -500;
  PackInts(values, &with);
  EXPECT_EQ(Unpack(with, values.size()), values);
  EXPECT_LE(with.size(), plain.size() + 50);
}

TEST(PackedIntsTest, PortableAndAvx2Agree) {
  if (!packed_internal::HasAvx2()) GTEST_SKIP() << "no AVX2 here";
  std::mt19937_64 rng(6);
  std::vector<uint8_t> bytes(32 * 8 + 16);
  for (int round = 0; round < 200; ++round) {
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
    for (unsigned width = 0; width <= 64; ++width) {
      uint64_t a[32], b[32];
      packed_internal::Unpack32Portable(bytes.data(), width, a);
      packed_internal::Unpack32Avx2(bytes.data(), width, b);
      ASSERT_TRUE(std::equal(a, a + 32, b)) << width;
    }
    int64_t small[32];
    for (int64_t& v : small)
      v = static_cast<int64_t>(rng() >> (13 + rng() % 40)) - (1ll << (rng() % 50));
    for (const double divisor : {1.0, 10.0, 1e6}) {
      double a[36], b[36];
      packed_internal::ConvertSmallPortable(small, 32, divisor, a);
      packed_internal::ConvertSmallAvx2(small, 32, divisor, b);
      ASSERT_EQ(std::memcmp(a, b, 32 * sizeof(double)), 0);
    }
  }
}

}  // namespace
}  // namespace deucalion::tsdb

#include "tsdb/wal/value_codec.h"

#include <cmath>
#include <random>

namespace deucalion::tsdb::wal {
namespace {

struct Codec {
  ValueState writer, reader;
  std::string bytes;

  size_t Put(double v, uint32_t segment) {
    char buf[kMaxValueBytes];
    const size_t n = static_cast<size_t>(PutValue(v, segment, &writer, buf) - buf);
    bytes.assign(buf, n);
    return n;
  }
  uint64_t Get(uint32_t segment, bool* known) {
    ByteReader in(bytes);
    const double v = GetValue(&in, segment, &reader, known);
    EXPECT_TRUE(in.ok() && in.done());
    return std::bit_cast<uint64_t>(v);
  }
};

TEST(WalValueCodecTest, TakesFewBytesForDecimalsAndKeepsEveryBit) {
  const struct {
    const char* what;
    std::vector<double> values;
    size_t most_bytes;  // of the last value
  } kCases[] = {
      {"a constant", {42, 42, 42}, 1},
      {"a constant with decimals", {0.1, 0.1}, 1},
      {"a small step", {1000000, 1000007}, 1},
      {"a step of cents", {12.34, 12.37}, 1},
      {"more digits than before", {12.5, 12.34}, 3},
      {"true noise", {M_PI, M_E}, 9},
      {"a stale marker", {7, StaleNan()}, 1},
      {"back after a stale marker", {7, StaleNan(), 8}, 1},
      {"an ordinary NaN", {1, NormalNan()}, 9},
      {"negative zero", {0, -0.0}, 9},
      {"infinity", {1, std::numeric_limits<double>::infinity()}, 9},
      {"the largest", {1, std::numeric_limits<double>::max()}, 9},
      {"2^53", {9007199254740991.0, -9007199254740991.0}, 9},
  };
  for (const auto& c : kCases) {
    Codec codec;
    size_t n = 0;
    for (const double v : c.values) {
      n = codec.Put(v, 1);
      bool known;
      EXPECT_EQ(codec.Get(1, &known), std::bit_cast<uint64_t>(v)) << c.what;
      EXPECT_TRUE(known) << c.what;
    }
    EXPECT_LE(n, c.most_bytes) << c.what;
  }
}

TEST(WalValueCodecTest, WritesTheFirstValueOfASegmentWhole) {
  Codec codec;
  bool known;
  codec.Put(5, 1);
  codec.Get(1, &known);
  codec.Put(5, 2);
  codec.reader = {};
  EXPECT_EQ(codec.Get(2, &known), std::bit_cast<uint64_t>(5.0));
  EXPECT_TRUE(known);
}

TEST(WalValueCodecTest, SaysWhenAValueIsRelativeToOneItHasNotSeen) {
  Codec codec;
  codec.Put(5, 1);
  codec.Put(6, 1);
  codec.reader = {};
  bool known;
  codec.Get(1, &known);
  EXPECT_FALSE(known);
}

TEST(WalValueCodecTest, ReturnsRandomSequencesBitForBit) {
  std::mt19937_64 rng(5);
  for (int series = 0; series < 200; series++) {
    Codec codec;
    double v = 0;
    for (int i = 0; i < 300; i++) {
      switch (rng() % 6) {
        case 0:
          v = std::bit_cast<double>(rng());
          break;
        case 1:
          v += static_cast<double>(rng() % 1000);
          break;
        case 2:
          v = static_cast<double>(rng() % 100000) / std::pow(10, rng() % 8);
          break;
        case 3:
          v = StaleNan();
          break;
        default:
          break;
      }
      const uint32_t segment = 1 + static_cast<uint32_t>(i) / 50;
      codec.Put(v, segment);
      bool known;
      ASSERT_EQ(codec.Get(segment, &known), std::bit_cast<uint64_t>(v)) << series << " at " << i;
      ASSERT_TRUE(known);
    }
  }
}

}  // namespace
}  // namespace deucalion::tsdb::wal

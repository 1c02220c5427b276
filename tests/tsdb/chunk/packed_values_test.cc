#include "tsdb/chunk/packed_values.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }

// Encodes, decodes, compares bit for bit; returns the encoded size.
size_t RoundTrip(const std::vector<double>& values, const std::string& what) {
  std::string bytes;
  EncodeValues(values, &bytes);
  const size_t size = bytes.size();
  bytes += "tail";
  std::vector<double> got(values.size(), 42);
  ByteReader in(bytes);
  EXPECT_TRUE(DecodeValues(&in, got.size(), got.data())) << what;
  EXPECT_EQ(in.Rest(), "tail") << what;
  for (size_t i = 0; i < values.size(); ++i) {
    if (Bits(got[i]) != Bits(values[i])) {
      ADD_FAILURE() << what << " at " << i << ": got " << std::hex << Bits(got[i]) << ", want "
                    << Bits(values[i]);
      break;
    }
  }
  ByteReader skip(bytes);
  EXPECT_TRUE(SkipValues(&skip, values.size())) << what;
  EXPECT_EQ(skip.Rest(), "tail") << what;
  return size;
}

std::vector<double> Make(size_t n, const std::function<double(size_t)>& f) {
  std::vector<double> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = f(i);
  return v;
}

TEST(PackedValuesTest, EveryClassOfSeriesComesBackAndStaysSmall) {
  std::mt19937_64 rng(1);
  const auto below = [&](uint64_t n) { return static_cast<double>(rng() % n); };
  double counter = 0, cents = 0;
  struct Case {
    const char* name;
    std::vector<double> values;
    double most_bytes_per_value;
  };
  const size_t n = 480;
  const Case cases[] = {
      {"zero", Make(n, [](size_t) { return 0.0; }), 0.003},
      {"constant", Make(n, [](size_t) { return 1234.5; }), 0.02},
      {"constant without decimals", Make(n, [](size_t) { return M_PI; }), 0.02},
      {"line", Make(n, [](size_t i) { return 7.0 * static_cast<double>(i); }), 0.03},
      {"counter", Make(n, [&](size_t) { return counter += below(300); }), 1.2},
      {"cpu seconds", Make(n, [&](size_t) { return std::round(cents += below(20)) / 100; }), 0.75},
      {"memory", Make(n, [&](size_t) { return 4096 * (1e6 + below(200)); }), 1.1},
      {"temperature", Make(n, [&](size_t) { return (400 + below(6)) / 10; }), 0.5},
      {"rare change", Make(n, [](size_t i) { return i < 200 ? M_PI : M_E; }), 0.2},
      {"random float", Make(n, [&](size_t) { return std::ldexp(below(1ull << 53), -53) + 1; }),
       6.8},
      {"any bits", Make(n, [&](size_t) { return std::bit_cast<double>(rng()); }), 8.2},
  };
  for (const Case& c : cases) {
    const double size = static_cast<double>(RoundTrip(c.values, c.name));
    EXPECT_LE(size / static_cast<double>(n), c.most_bytes_per_value) << c.name;
  }
}

TEST(PackedValuesTest, OddValuesAmongDecimalsAreExceptions) {
  const double odd[] = {StaleNan(),
                        NormalNan(),
                        -0.0,
                        M_PI,
                        1e300,
                        5e-324,
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        std::bit_cast<double>(0xfff8dead00000001)};
  for (const double v : odd) {
    for (const size_t at : {0, 1, 31, 32, 33, 239}) {
      std::vector<double> values =
          Make(240, [](size_t i) { return static_cast<double>(i * i % 17); });
      const size_t plain = RoundTrip(values, "plain");
      values[at] = v;
      EXPECT_LE(RoundTrip(values, "odd"), plain + 24) << Bits(v) << " at " << at;
    }
  }
}

TEST(PackedValuesTest, ShortColumnsComeBack) {
  for (size_t n = 0; n <= 70; ++n) {
    RoundTrip(Make(n, [](size_t i) { return static_cast<double>(i); }), "line");
    RoundTrip(Make(n, [](size_t i) { return i % 2 ? M_PI : 1.5; }), "alternating");
    RoundTrip(Make(n, [](size_t i) { return i % 3 ? StaleNan() : 0.1; }), "mostly stale");
    RoundTrip(Make(n, [](size_t) { return -0.0; }), "minus zero");
    RoundTrip(Make(n, [](size_t) { return StaleNan(); }), "stale");
  }
}

TEST(PackedValuesTest, ExtremeIntegersComeBack) {
  const double huge[] = {9007199254740991.0,
                         9007199254740993.0,
                         -9007199254740992.0,
                         9.2e18,
                         -9.2e18,
                         9223372036854775808.0,
                         1.7e308,
                         -1.7e308,
                         1e17,
                         123456789012345678.0,
                         0.1,
                         -0.3};
  std::mt19937_64 rng(7);
  for (int round = 0; round < 200; ++round) {
    const auto v = Make(1 + rng() % 100, [&](size_t) { return huge[rng() % std::size(huge)]; });
    RoundTrip(v, "huge");
  }
}

// Mixtures drawn at random: runs of one class after the other, odd values sprinkled in.
TEST(PackedValuesTest, RandomMixturesComeBack) {
  std::mt19937_64 rng(20260101);
  for (int round = 0; round < 1500; ++round) {
    const size_t n = rng() % 600;
    std::vector<double> v;
    double x = 0;
    while (v.size() < n) {
      const uint64_t kind = rng() % 8, length = 1 + rng() % 200;
      const double scale = std::pow(10, static_cast<double>(rng() % 12));
      for (uint64_t i = 0; i < length && v.size() < n; ++i) {
        switch (kind) {
          case 0:
            break;
          case 1:
            x += 1;
            break;
          case 2:
            x = static_cast<double>(rng() % 1000) / scale;
            break;
          case 3:
            x = std::bit_cast<double>(rng());
            break;
          case 4:
            x = x + static_cast<double>(static_cast<int64_t>(rng() % 21) - 10) / 10;
            break;
          case 5:
            x = static_cast<double>(rng() % (1ull << 60));
            break;
          case 6:
            x = rng() % 20 ? 5 : StaleNan();
            break;
          default:
            x = x * 1.0001;
            break;
        }
        v.push_back(x);
      }
    }
    RoundTrip(v, "round " + std::to_string(round));
  }
}

TEST(PackedValuesTest, BrokenBytesAreRefusedOrDecodeWithinBounds) {
  std::mt19937_64 rng(3);
  std::string good;
  EncodeValues(
      Make(240,
           [&](size_t i) { return i == 7 ? StaleNan() : static_cast<double>(rng() % 99) / 4; }),
      &good);
  std::vector<double> out(4096);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    const std::string part = good.substr(0, cut);
    ByteReader in(part);
    EXPECT_FALSE(DecodeValues(&in, 240, out.data())) << cut;
  }
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k) bad[rng() % bad.size()] ^= static_cast<char>(1 << (rng() % 8));
    ByteReader in(bad);
    (void)DecodeValues(&in, 1 + rng() % 4096, out.data());
  }
}

TEST(PackedValuesTest, TellsConstantsWithoutDecoding) {
  std::string bytes;
  EncodeValues(Make(99, [](size_t) { return 2.5; }), &bytes);
  double v = 0;
  EXPECT_TRUE(ConstantValue(ByteReader(bytes), &v));
  EXPECT_EQ(v, 2.5);
  bytes.clear();
  EncodeValues(Make(99, [](size_t i) { return static_cast<double>(i); }), &bytes);
  EXPECT_FALSE(ConstantValue(ByteReader(bytes), &v));
}

// Pins the format. A change here is a change of the disk format: see docs/storage-format.md.
TEST(PackedValuesTest, BytesAreAsPublished) {
  const auto hex = [](const std::vector<double>& v) {
    std::string bytes, text;
    EncodeValues(v, &bytes);
    for (const char c : bytes) {
      char digits[3];
      snprintf(digits, sizeof(digits), "%02x", static_cast<uint8_t>(c));
      text += digits;
    }
    return text;
  };
  EXPECT_EQ(hex({5, 5, 5}), "54");
  EXPECT_EQ(hex({1.25, 1.25}), "0002fa01");
  EXPECT_EQ(hex({M_PI, M_PI}), "01182d4454fb210940");
  EXPECT_EQ(hex({1, 2, 3, 4}), "0200810201000002");
  EXPECT_EQ(hex({0.5, StaleNan(), 1, 0}), "0a01010101810a050004030e");
}

}  // namespace
}  // namespace deucalion::tsdb

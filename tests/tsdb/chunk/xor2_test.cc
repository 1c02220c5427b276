#include "tsdb/chunk/xor2.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "model/value.h"
#include "tests/tsdb/chunk/xor2_encoder.h"

namespace deucalion::tsdb {
namespace {

using Sample = Xor2Sample;
using Encoder = Xor2Encoder;

TEST(Xor2Test, EverySampleComesBack) {
  std::mt19937_64 rng(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<Sample> samples;
    Sample s{1'700'000'000'000, 1, rng() % 2 ? 0 : 1'699'999'000'000};
    for (size_t n = 1 + rng() % 300; n > 0; --n) {
      samples.push_back(s);
      const uint64_t kind = rng() % 10;
      s.time_ms += kind == 0 ? static_cast<int64_t>(rng() % 5'000'000'000) + 1
                             : 15'000 + (kind < 3 ? static_cast<int64_t>(rng() % 1000) : 0);
      if (rng() % 2) s.value = static_cast<double>(rng() % 1000) / 8;
      if (rng() % 20 == 0)
        s.value = StaleNan();
      else if (IsStaleNan(s.value))
        s.value = 3;
      if (round % 3 == 0 && rng() % 50 == 0) s.start_ms = s.time_ms - 500;
    }
    std::vector<int64_t> times, starts;
    std::vector<double> values;
    const Status status = Xor2Decode(Encoder().Encode(samples), &times, &values, &starts);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_EQ(times.size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      ASSERT_EQ(times[i], samples[i].time_ms) << i;
      ASSERT_EQ(std::bit_cast<uint64_t>(values[i]), std::bit_cast<uint64_t>(samples[i].value)) << i;
      ASSERT_EQ(starts[i], samples[i].start_ms) << i;
    }
  }
}

TEST(Xor2Test, ShortBytesAreRefused) {
  const std::string good = Encoder().Encode({{1000, 1, 0}, {2000, 2.5, 0}, {3000, StaleNan(), 0}});
  for (size_t n = 0; n < good.size(); ++n) {
    std::vector<int64_t> times, starts;
    std::vector<double> values;
    EXPECT_FALSE(Xor2Decode(std::string_view(good).substr(0, n), &times, &values, &starts).ok());
    EXPECT_TRUE(times.empty());
  }
}

}  // namespace
}  // namespace deucalion::tsdb

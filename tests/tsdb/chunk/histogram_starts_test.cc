// Histogram chunks with start timestamps (Prometheus's encodings 5 and 6).
#include <gtest/gtest.h>

#include <random>

#include "tests/tsdb/chunk/histogram_starts_encoder.h"
#include "tsdb/interop/prometheus_chunks.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kT0 = 1'700'000'000'000;

IntHistogram Make(uint64_t n) {
  IntHistogram h;
  h.schema = 1;
  h.zero_threshold = 0.001;
  h.zero_count = n;
  h.count = 6 * n;
  h.sum = static_cast<double>(n) * 1.5;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {static_cast<int64_t>(2 * n), static_cast<int64_t>(n)};
  return h;
}

IntHistogram Of(uint64_t n, IntSampleState*) { return Make(n); }
FloatHistogram Of(uint64_t n, FloatSampleState*) { return Make(n).ToFloat(); }

template <typename State>
std::vector<HistogramWithStart<State>> Samples(size_t count, auto start_of) {
  std::vector<HistogramWithStart<State>> samples;
  for (size_t i = 0; i < count; i++) {
    const int64_t t = kT0 + static_cast<int64_t>(i) * 15'000 + static_cast<int64_t>(i % 3);
    samples.push_back({t, Of(i + 1, static_cast<State*>(nullptr)), start_of(i, t)});
  }
  return samples;
}

template <typename State>
void ExpectReadBack(uint8_t encoding, const std::vector<HistogramWithStart<State>>& samples) {
  const std::string chunk = EncodeWithStarts<State>(CounterResetHeader::kReset, samples);
  HistogramChunkReader<State> reader(chunk, true);
  EXPECT_EQ(reader.header(), CounterResetHeader::kReset);
  EXPECT_EQ(reader.count(), samples.size());
  SampleColumns out;
  const Status status = DecodePrometheusChunk({encoding, chunk}, INT64_MIN, INT64_MAX, &out);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(out.histograms.size(), samples.size());
  for (size_t i = 0; i < samples.size(); i++) {
    const HistogramPoint& got = out.histograms[i];
    ASSERT_EQ(got.time_ms, samples[i].time_ms) << i;
    ASSERT_EQ(got.st_ms, samples[i].start_ms) << i;
    ASSERT_EQ(got.integer, encoding == kHistogramStartsEncoding);
    ASSERT_TRUE(got.histogram.Equals(Of(i + 1, static_cast<FloatSampleState*>(nullptr)))) << i;
  }
}

TEST(HistogramStartsTest, EverySampleAndStartComesBack) {
  const auto never = [](size_t, int64_t) { return int64_t{0}; };
  const auto one = [](size_t, int64_t) { return kT0 - 5'000; };
  const auto late = [](size_t i, int64_t) { return i < 40 ? int64_t{0} : kT0; };
  const auto resets = [](size_t i, int64_t) {
    return kT0 - 1 + static_cast<int64_t>(i / 7) * 105'000;
  };
  const auto delta = [](size_t, int64_t t) { return t - 15'000; };
  for (const size_t count : {1u, 2u, 3u, 120u, 127u, 128u, 129u, 300u}) {
    SCOPED_TRACE(count);
    const auto both = [&](auto start_of) {
      ExpectReadBack(kHistogramStartsEncoding, Samples<IntSampleState>(count, start_of));
      ExpectReadBack(kFloatHistogramStartsEncoding, Samples<FloatSampleState>(count, start_of));
    };
    both(never);
    both(one);
    both(late);
    both(resets);
    both(delta);
  }
}

// The header byte by byte, and where the first start timestamp lies: an encoder of our own with the
// same mistake would not show it.
TEST(HistogramStartsTest, TheHeaderIsThatOfPrometheus) {
  const auto samples =
      Samples<IntSampleState>(300, [](size_t i, int64_t) { return i < 5 ? kT0 - 1 : kT0; });
  const std::string chunk = EncodeWithStarts<IntSampleState>(CounterResetHeader::kGauge, samples);
  EXPECT_EQ(static_cast<uint8_t>(chunk[0]), 0xc0 | 300 >> 8);
  EXPECT_EQ(static_cast<uint8_t>(chunk[1]), 300 & 0xff);
  EXPECT_EQ(static_cast<uint8_t>(chunk[2]), 0x80 | 5);
  IntHistogramReader reader(chunk, true);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.header(), CounterResetHeader::kGauge);
  EXPECT_EQ(reader.histogram().reset_hint, ResetHint::kGauge);
}

TEST(HistogramStartsTest, ChunksThatEndEarlyAreErrors) {
  const auto samples = Samples<FloatSampleState>(
      20, [](size_t i, int64_t t) { return t - static_cast<int64_t>(i); });
  const std::string chunk =
      EncodeWithStarts<FloatSampleState>(CounterResetHeader::kUnknown, samples);
  for (size_t n = kHistogramHeaderBytes; n < chunk.size(); n++) {
    SampleColumns out;
    const PrometheusChunk cut{kFloatHistogramStartsEncoding, std::string_view(chunk).substr(0, n)};
    EXPECT_FALSE(DecodePrometheusChunk(cut, INT64_MIN, INT64_MAX, &out).ok()) << n;
  }
}

}  // namespace
}  // namespace deucalion::tsdb

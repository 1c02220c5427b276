#include "tsdb/chunk/histogram_chunk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

std::string BitsOf(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    for (int i = 7; i >= 0; i--) out.push_back((static_cast<uint8_t>(c) >> i) & 1 ? '1' : '0');
  }
  return out;
}

std::string DoubleBits(double v) {
  std::string bits;
  const auto u = std::bit_cast<uint64_t>(v);
  for (int i = 63; i >= 0; i--) bits.push_back((u >> i) & 1 ? '1' : '0');
  return bits;
}

TEST(VarbitTest, HasTheBitsOfPrometheus) {
  const std::pair<int64_t, std::string> cases[] = {{0, "0"},
                                                   {1, "10001"},
                                                   {-3, "10101"},
                                                   {4, "10100"},
                                                   {-4, "110111100"},
                                                   {5, "110000101"},
                                                   {32, "110100000"},
                                                   {33, "1110000100001"},
                                                   {-31, "110100001"},
                                                   {256, "1110100000000"},
                                                   {257, "11110000100000001"}};
  for (const auto& [value, want] : cases) {
    std::string bytes;
    BitWriter writer(&bytes);
    writer.Varbit(value);
    EXPECT_EQ(BitsOf(bytes).substr(0, want.size()), want) << value;
    EXPECT_EQ(BitReader(bytes).Varbit(), value);
  }
  std::string bytes;
  BitWriter writer(&bytes);
  writer.VarbitUnsigned(7);
  writer.VarbitUnsigned(8);
  EXPECT_EQ(BitsOf(bytes),
            "10111"
            "110001000"
            "00");
}

TEST(VarbitTest, EveryWidthReadsBack) {
  std::mt19937_64 random(1);
  std::string bytes;
  BitWriter writer(&bytes);
  std::vector<int64_t> values;
  for (int bits = 0; bits < 64; bits++) {
    for (int64_t d = -2; d <= 2; d++) {
      values.push_back(static_cast<int64_t>((uint64_t{1} << bits) + static_cast<uint64_t>(d)));
      values.push_back(static_cast<int64_t>(0 - (uint64_t{1} << bits) + static_cast<uint64_t>(d)));
    }
    values.push_back(static_cast<int64_t>(random() >> bits));
  }
  for (const int64_t v : values) {
    writer.Varbit(v);
    writer.VarbitUnsigned(static_cast<uint64_t>(v));
  }
  BitReader reader(bytes);
  for (const int64_t v : values) {
    EXPECT_EQ(reader.Varbit(), v);
    EXPECT_EQ(reader.VarbitUnsigned(), static_cast<uint64_t>(v));
  }
  EXPECT_TRUE(reader.ok());
  reader.Bits(64);
  EXPECT_FALSE(reader.ok());
}

TEST(HistogramChunkTest, HasTheBitsOfPrometheus) {
  IntHistogram h;
  h.schema = 1;
  h.zero_threshold = std::ldexp(1, -128);
  h.zero_count = 2;
  h.count = 5;
  h.sum = 18.4;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {1, 1};
  IntHistogramWriter writer;
  std::string sealed;
  writer.Append(1000, h, &sealed);
  h.zero_count = 3;
  h.count = 7;
  h.sum = 18.4;
  h.positive_buckets = {2, 0};
  writer.Append(1015, h, &sealed);
  EXPECT_EQ(BitsOf(writer.bytes()),
            "0000000000000010"  // two samples
            "00000000"          // nothing known of resets
            "01110100"          // 2^-128: 116
            "10001"             // schema 1
            "10001"
            "10010"
            "0"                  // one positive span of length 2 at offset 0
            "0"                  // no negative span
            "11110001111101000"  // t 1000
            "10101"
            "10010" +
                DoubleBits(18.4) +  // count 5, zero count 2, sum
                "10001"
                "10001"      // buckets 1, +1
                "110001111"  // delta 15
                "10010"
                "10001"
                "0"  // count +2, zero count +1, sum the same
                "10001"
                "10111"  // buckets +1, -1
                "0000");
}

TEST(HistogramChunkTest, CustomBoundsAreShortWhenPeopleWroteThem) {
  FloatHistogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = {0, 0.005, 0.1, 33554.43, 33554.431, 1.0 / 3, -1};
  std::sort(h.custom_values.begin(), h.custom_values.end());
  h.positive_spans = {{1, 2}};
  h.positive_buckets = {1, 2};
  h.count = 3;
  FloatHistogramWriter writer;
  std::string sealed;
  writer.Append(7, h, &sealed);
  FloatHistogramReader reader(writer.bytes());
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.histogram().Equals(h));
  // One bound, of 5 thousandths: stored as 6.
  std::string bytes;
  BitWriter out(&bytes);
  ChunkLayout layout;
  layout.schema = kCustomBucketsSchema;
  layout.custom_values = {0.005};
  WriteLayout(layout, &out);
  EXPECT_EQ(BitsOf(bytes).substr(8 + 13 + 2),
            "10001"
            "10110"
            "0000000");
}

TEST(HistogramChunkTest, ZeroThresholdsReadBackExactly) {
  for (int exponent = -300; exponent < 300; exponent++) {
    for (const double factor : {1.0, 1.5}) {
      ChunkLayout layout;
      layout.zero_threshold = std::ldexp(factor, exponent);
      std::string bytes;
      BitWriter out(&bytes);
      WriteLayout(layout, &out);
      const bool is_short = factor == 1 && exponent >= -243 && exponent <= 10;
      EXPECT_EQ(bytes.size(), is_short ? 2u : 10u);
      BitReader in(bytes);
      const auto back = ReadLayout(&in, 1);
      ASSERT_TRUE(back.ok());
      EXPECT_EQ(back->zero_threshold, layout.zero_threshold);
    }
  }
}

// What a reader of a chunk with these samples must show.
template <typename H>
struct Expected {
  int64_t time_ms;
  H histogram;
};

std::map<int64_t, double> Counts(const Spans& spans, const std::vector<double>& buckets) {
  std::map<int64_t, double> out;
  size_t i = 0;
  for (auto at = WalkBuckets(spans); at.Valid(); at.Next()) {
    if (buckets[i] != 0) out[at.index()] = buckets[i];
    i++;
  }
  return out;
}
FloatHistogram AsFloat(const FloatHistogram& h) { return h; }
FloatHistogram AsFloat(const IntHistogram& h) { return h.ToFloat(); }

template <typename H>
void ExpectSameNumbers(const H& got_h, const H& want_h) {
  const FloatHistogram got = AsFloat(got_h), want = AsFloat(want_h);
  EXPECT_EQ(std::bit_cast<uint64_t>(got.sum), std::bit_cast<uint64_t>(want.sum));
  if (IsStaleNan(want.sum)) return;
  EXPECT_EQ(got.schema, want.schema);
  EXPECT_EQ(got.zero_threshold, want.zero_threshold);
  EXPECT_EQ(got.count, want.count);
  EXPECT_EQ(got.zero_count, want.zero_count);
  EXPECT_EQ(got.custom_values, want.custom_values);
  EXPECT_EQ(Counts(got.positive_spans, got.positive_buckets),
            Counts(want.positive_spans, want.positive_buckets));
  EXPECT_EQ(Counts(got.negative_spans, got.negative_buckets),
            Counts(want.negative_spans, want.negative_buckets));
}

// A series of histograms as targets have them: counters that mostly grow, layouts that grow and are
// compacted, restarts, stale markers, changes of schema.
class SeriesMaker {
 public:
  explicit SeriesMaker(uint32_t seed) : random_(seed) {}
  IntHistogram Next() {
    const auto event = random_() % 40;
    if (event == 0) counts_[0].clear();
    if (event == 1) counts_[1].clear();
    if (event == 2) schema_ = static_cast<int32_t>(random_() % 3);
    if (event == 3) gauge_ = !gauge_;
    IntHistogram h;
    if (event == 4) {
      h.sum = StaleNan();
      return h;
    }
    for (int side = 0; side < 2; side++) {
      for (size_t n = random_() % 3; n > 0; n--) {
        counts_[side][static_cast<int>(random_() % 12) - 6] += static_cast<int64_t>(random_() % 9);
      }
    }
    zero_count_ = gauge_ ? random_() % 9 : zero_count_ + random_() % 3;
    h.schema = schema_;
    h.zero_threshold = 0.001;
    h.zero_count = zero_count_;
    h.count = zero_count_;
    h.sum = static_cast<double>(random_() % 1000) / 8;
    if (gauge_) h.reset_hint = ResetHint::kGauge;
    if (event == 5) h.reset_hint = ResetHint::kReset;
    Fill(counts_[0], &h.positive_spans, &h.positive_buckets, &h.count);
    Fill(counts_[1], &h.negative_spans, &h.negative_buckets, &h.count);
    h.Compact(static_cast<int>(random_() % 3));
    EXPECT_TRUE(h.Validate().ok());
    return h;
  }

 private:
  static void Fill(const std::map<int, int64_t>& counts, Spans* spans,
                   std::vector<int64_t>* buckets, uint64_t* total) {
    int64_t last = 0;
    for (int i = -6; i < 6; i++) {
      const auto at = counts.find(i);
      const int64_t count = at == counts.end() ? 0 : at->second;
      buckets->push_back(count - last);
      last = count;
      *total += static_cast<uint64_t>(count);
    }
    *spans = {{-6, 12}};
  }
  std::mt19937 random_;
  std::map<int, int64_t> counts_[2];
  uint64_t zero_count_ = 0;
  int32_t schema_ = 1;
  bool gauge_ = false;
};

IntHistogram Convert(const IntHistogram& h, IntSampleState*) { return h; }
FloatHistogram Convert(const IntHistogram& h, FloatSampleState*) {
  FloatHistogram f = h.ToFloat();
  f.Mul(0.25);
  f.sum = h.sum;
  return f;
}

template <typename State>
void CheckChunk(const std::string& chunk,
                const std::vector<Expected<typename State::Histogram>>& want) {
  HistogramChunkReader<State> reader(chunk);
  ASSERT_EQ(reader.count(), want.size());
  for (size_t i = 0; i < want.size(); i++) {
    ASSERT_TRUE(reader.Next()) << reader.status().message();
    EXPECT_EQ(reader.time_ms(), want[i].time_ms);
    ExpectSameNumbers(reader.histogram(), want[i].histogram);
    if (IsStaleNan(want[i].histogram.sum)) continue;
    const bool gauge = want[i].histogram.reset_hint == ResetHint::kGauge;
    EXPECT_EQ(reader.histogram().reset_hint, gauge   ? ResetHint::kGauge
                                             : i > 0 ? ResetHint::kNotReset
                                                     : ResetHint::kUnknown);
    // What the reader says of resets must be true.
    if (!gauge && i > 0 && !IsStaleNan(want[i - 1].histogram.sum)) {
      FloatHistogram now = AsFloat(want[i].histogram);
      now.reset_hint = ResetHint::kUnknown;
      EXPECT_FALSE(now.DetectReset(AsFloat(want[i - 1].histogram)));
    }
  }
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.status().ok());
}

template <typename State>
void RoundTrip(uint32_t seed) {
  SeriesMaker maker(seed);
  std::mt19937 random(seed + 1000);
  HistogramChunkWriter<State> writer;
  std::vector<Expected<typename State::Histogram>> open;
  int64_t time_ms = static_cast<int64_t>(random()) - 1000000;
  std::map<HistogramAppend, int> seen;
  for (int i = 0; i < 400; i++) {
    time_ms += 15000 + random() % 3;
    const auto h = Convert(maker.Next(), static_cast<State*>(nullptr));
    std::string sealed = "untouched";
    const HistogramAppend what = writer.Append(time_ms, h, &sealed);
    seen[what]++;
    if (what == HistogramAppend::kCut) {
      CheckChunk<State>(sealed, open);
      open.clear();
    } else {
      ASSERT_EQ(sealed, "untouched");
    }
    open.push_back({time_ms, h});
    ASSERT_EQ(writer.count(), open.size());
    ASSERT_EQ(writer.last_ms(), time_ms);
    if (random() % 30 == 0) {
      auto resumed = HistogramChunkWriter<State>::Resume(writer.bytes());
      ASSERT_TRUE(resumed.ok()) << resumed.status().message();
      EXPECT_EQ(resumed->bytes(), writer.bytes());
      writer = std::move(*resumed);
    }
    if (random() % 50 == 0) {
      writer.Seal(&sealed);
      CheckChunk<State>(sealed, open);
      open.clear();
    }
  }
  if (!open.empty()) CheckChunk<State>(std::string(writer.bytes()), open);
  EXPECT_GT(seen[HistogramAppend::kAppended], 0);
  EXPECT_GT(seen[HistogramAppend::kRecoded], 0);
  EXPECT_GT(seen[HistogramAppend::kCut], 0);
}

TEST(HistogramChunkTest, RandomSeriesReadBack) {
  for (uint32_t seed = 1; seed <= 20; seed++) {
    SCOPED_TRACE(seed);
    RoundTrip<IntSampleState>(seed);
    RoundTrip<FloatSampleState>(seed);
    if (testing::Test::HasFailure()) return;
  }
}

IntHistogram Simple(std::vector<int64_t> deltas, uint64_t count) {
  IntHistogram h;
  h.positive_spans = {{0, static_cast<uint32_t>(deltas.size())}};
  h.positive_buckets = std::move(deltas);
  h.count = count;
  return h;
}

TEST(HistogramChunkTest, TheHeaderSaysWhyAChunkBegan) {
  using enum CounterResetHeader;
  const IntHistogram base = Simple({2, 1}, 5);
  IntHistogram reset = Simple({1, 0}, 2), more = Simple({3, 1}, 7), gauge = Simple({1, 1}, 3);
  IntHistogram other_schema = Simple({9, 1}, 19), told = more, stale;
  gauge.reset_hint = ResetHint::kGauge;
  other_schema.schema = 3;
  told.reset_hint = ResetHint::kReset;
  stale.sum = StaleNan();
  const struct {
    const char* what;
    const IntHistogram* next;
    bool cut;  // by the sample itself
    CounterResetHeader header;
  } cases[] = {{"fewer", &reset, true, kReset},
               {"told so", &told, true, kReset},
               {"another schema", &other_schema, true, kUnknown},
               {"a gauge", &gauge, true, kGauge},
               {"more", &more, false, kUnknown},
               {"stale", &stale, false, kUnknown}};
  for (const auto& c : cases) {
    IntHistogramWriter writer;
    std::string sealed;
    writer.Append(0, base, &sealed);
    EXPECT_EQ(writer.header(), kUnknown);
    EXPECT_EQ(writer.Append(1, *c.next, &sealed) == HistogramAppend::kCut, c.cut) << c.what;
    EXPECT_EQ(writer.header(), c.header) << c.what;
    IntHistogramWriter continued;
    continued.Append(0, base, &sealed);
    continued.Seal(&sealed);
    EXPECT_TRUE(continued.bytes().empty());
    EXPECT_EQ(continued.Append(1, *c.next, &sealed), HistogramAppend::kAppended);
    EXPECT_EQ(continued.header(), c.cut ? c.header : kNotReset) << c.what;
    EXPECT_EQ(static_cast<uint8_t>(continued.bytes()[2]), static_cast<uint8_t>(continued.header()));
  }
}

TEST(HistogramChunkTest, EmptyBucketsMayComeAndGoButUsedOnesMayNot) {
  IntHistogramWriter writer;
  std::string sealed;
  writer.Append(0, Simple({2, -2}, 2), &sealed);  // 2, 0
  EXPECT_EQ(writer.Append(1, Simple({2}, 2), &sealed), HistogramAppend::kAppended);
  EXPECT_EQ(writer.Append(2, Simple({2, -1, 1}, 5), &sealed),
            HistogramAppend::kRecoded);  // 2, 1, 2
  EXPECT_EQ(writer.Append(3, Simple({9}, 9), &sealed), HistogramAppend::kCut);
  EXPECT_EQ(writer.header(), CounterResetHeader::kReset);
}

TEST(HistogramChunkTest, FinerSchemasAreReducedOnReading) {
  ChunkLayout layout;
  layout.schema = 10;
  layout.positive = {{1, 4}};
  std::string chunk(kHistogramHeaderBytes, '\0');
  chunk[1] = 1;
  BitWriter out(&chunk);
  WriteLayout(layout, &out);
  IntSampleState state;
  state.SetLayout(layout);
  IntHistogram h;
  h.count = 10;
  h.positive_buckets = {1, 1, 1, 1};
  state.Write(true, 5, h, &out);
  IntHistogramReader reader(chunk);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.histogram().schema, 8);
  EXPECT_EQ(reader.histogram().positive_buckets, (std::vector<int64_t>{10}));
}

template <typename State>
void TryEveryDamage(const std::string& chunk) {
  const auto read_all = [](std::string_view bytes) {
    HistogramChunkReader<State> reader(bytes);
    size_t n = 0;
    while (reader.Next()) n++;
    EXPECT_LE(n, reader.count());
    EXPECT_EQ(reader.status().ok(), n == reader.count());
  };
  for (size_t n = 0; n < chunk.size(); n++) read_all(std::string_view(chunk).substr(0, n));
  std::mt19937 random(3);
  for (int i = 0; i < 2000; i++) {
    std::string damaged = chunk;
    for (int k = 0; k < 3; k++)
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    read_all(damaged);
  }
}

TEST(HistogramChunkTest, DamagedChunksEndInAnErrorNotInAWildRead) {
  SeriesMaker maker(7);
  IntHistogramWriter ints;
  FloatHistogramWriter floats;
  std::string sealed;
  for (int i = 0; i < 20; i++) {
    const IntHistogram h = maker.Next();
    ints.Append(i * 1000, h, &sealed);
    floats.Append(i * 1000, h.ToFloat(), &sealed);
  }
  TryEveryDamage<IntSampleState>(std::string(ints.bytes()));
  TryEveryDamage<FloatSampleState>(std::string(floats.bytes()));
}

TEST(HistogramChunkTest, LayoutsThatPromiseTooMuchAreRefused) {
  ChunkLayout layout;
  layout.positive = {{0, 0xffffffff}, {0, 0xffffffff}};
  std::string chunk(kHistogramHeaderBytes, '\0');
  chunk[1] = 1;
  BitWriter out(&chunk);
  WriteLayout(layout, &out);
  chunk.append(100, '\0');
  IntHistogramReader reader(chunk);
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(reader.status().code(), StatusCode::kCorrupt);
  layout.positive.clear();
  layout.schema = 60;
  std::string unknown(kHistogramHeaderBytes, '\0');
  unknown[1] = 1;
  BitWriter out2(&unknown);
  WriteLayout(layout, &out2);
  FloatHistogramReader reader2(unknown);
  EXPECT_FALSE(reader2.Next());
  EXPECT_EQ(reader2.status().message(),
            "histogram has an unknown schema, which must be between -9 and 52 for exponential "
            "buckets, or -53 for custom buckets, got schema 60");
}

TEST(HistogramChunkTest, AFullChunkIsCut) {
  IntHistogramWriter writer;
  std::string sealed;
  for (int i = 0; i < 65535; i++) {
    ASSERT_EQ(writer.Append(i, Simple({1}, 1), &sealed), HistogramAppend::kAppended);
  }
  EXPECT_EQ(writer.Append(65535, Simple({1}, 1), &sealed), HistogramAppend::kCut);
  EXPECT_EQ(IntHistogramReader(sealed).count(), 65535);
  EXPECT_EQ(writer.count(), 1);
  EXPECT_EQ(writer.header(), CounterResetHeader::kNotReset);
}

}  // namespace
}  // namespace deucalion::tsdb

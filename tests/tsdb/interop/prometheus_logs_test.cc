// Prometheus's records, log segments and head chunk files: whole, torn and damaged.
#include <gtest/gtest.h>

#include <random>

#include "model/value.h"
#include "tests/tsdb/interop/prometheus_log_samples.h"
#include "tsdb/interop/prometheus_head_chunks.h"
#include "tsdb/interop/prometheus_wal.h"

namespace deucalion::tsdb {
namespace {

using Outcome = PrometheusSegmentReader::Outcome;

PrometheusRecord Decode(const std::string& bytes) {
  PrometheusRecord record;
  const Status status = DecodePrometheusRecord(bytes, &record);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return record;
}

// ---- records ----

TEST(PrometheusRecordTest, ReadsSeries) {
  const std::vector<RecordedSeries> want = {{7, Labels{{"__name__", "up"}, {"job", "node"}}},
                                            {1ULL << 40, Labels{{"__name__", "größe"}}}};
  const PrometheusRecord got = Decode(SeriesRecordBytes(want));
  ASSERT_EQ(got.series.size(), 2u);
  for (size_t i = 0; i < 2; i++) {
    EXPECT_EQ(got.series[i].ref, want[i].ref);
    EXPECT_EQ(got.series[i].labels, want[i].labels);
  }
}

TEST(PrometheusRecordTest, ReadsSamplesOfBothVersions) {
  const std::vector<RecordedSample> want = {{100, 1'700'000'000'000, 1'699'000'000'000, 1.5},
                                            {3, 1'700'000'000'001, 1'699'000'000'000, -0.0},
                                            {101, 1'699'999'999'000, 0, StaleNan()},
                                            {5, 1'700'000'000'002, 1'699'000'000'500, 7}};
  for (const bool with_starts : {false, true}) {
    const PrometheusRecord got = Decode(SamplesRecordBytes(want, with_starts));
    ASSERT_EQ(got.samples.size(), want.size());
    for (size_t i = 0; i < want.size(); i++) {
      EXPECT_EQ(got.samples[i].ref, want[i].ref);
      EXPECT_EQ(got.samples[i].time_ms, want[i].time_ms);
      EXPECT_EQ(got.samples[i].st_ms, with_starts ? want[i].st_ms : 0);
      EXPECT_EQ(std::bit_cast<uint64_t>(got.samples[i].value),
                std::bit_cast<uint64_t>(want[i].value));
    }
  }
}

TEST(PrometheusRecordTest, ReadsHistogramsOfEveryType) {
  const auto check = [](uint8_t type, const std::vector<RecordedHistogram>& want) {
    const PrometheusRecord got = Decode(HistogramsRecordBytes(type, want));
    ASSERT_EQ(got.histograms.size(), want.size()) << int(type);
    for (size_t i = 0; i < want.size(); i++) {
      const RecordedHistogram& g = got.histograms[i];
      EXPECT_EQ(g.ref, want[i].ref);
      EXPECT_EQ(g.time_ms, want[i].time_ms);
      EXPECT_EQ(g.st_ms, type >= 12 ? want[i].st_ms : 0);
      EXPECT_EQ(g.is_float, want[i].is_float);
      EXPECT_TRUE(Seen(g).Equals(Seen(want[i]))) << int(type) << " " << i;
    }
  };
  check(7, {IntegerAt(1, 1000, 1), IntegerAt(2, 1001, 5)});
  check(8, {FloatAt(9, 1000, 1), FloatAt(2, 900, 5)});
  check(9, {CustomAt(1, 1000, 1, false), CustomAt(1, 2000, 2, false)});
  check(10, {CustomAt(1, 1000, 1, true), CustomAt(1, 2000, 2, true)});
  check(12, {IntegerAt(1, 1000, 1, 10), IntegerAt(2, 1001, 5, 10), IntegerAt(3, 1001, 5)});
  check(13, {FloatAt(1, 1000, 1), FloatAt(2, 1001, 5, 10), FloatAt(3, 1001, 5, 20)});
}

TEST(PrometheusRecordTest, LeavesOutHistogramsNobodyCanUse) {
  auto unknown = IntegerAt(1, 1000, 1), invalid = IntegerAt(2, 1000, 1);
  unknown.integer.schema = 99;
  invalid.integer.positive_buckets.push_back(3);
  const auto got = Decode(HistogramsRecordBytes(7, {unknown, invalid, IntegerAt(3, 1000, 1)}));
  ASSERT_EQ(got.histograms.size(), 1u);
  EXPECT_EQ(got.histograms[0].ref, 3u);
  EXPECT_EQ(got.unusable_histograms, 2u);
}

TEST(PrometheusRecordTest, ReducesSchemasOfLaterVersions) {
  auto fine = FloatAt(1, 1000, 1);
  fine.floating.schema = 10;
  const auto got = Decode(HistogramsRecordBytes(8, {fine}));
  ASSERT_EQ(got.histograms.size(), 1u);
  EXPECT_EQ(got.histograms[0].floating.schema, 8);
}

TEST(PrometheusRecordTest, ReadsEverythingElse) {
  const auto tombstones = Decode(TombstonesRecordBytes({{3, -5, 17}, {4, 0, 0}})).tombstones;
  ASSERT_EQ(tombstones.size(), 2u);
  EXPECT_EQ(tombstones[0].ref, 3u);
  EXPECT_EQ(tombstones[0].min_ms, -5);
  EXPECT_EQ(tombstones[0].max_ms, 17);

  RecordedExemplar exemplar{.ref = 8};
  exemplar.exemplar = {Labels{{"trace_id", "abc"}}, 0.25, 1234, true};
  const auto exemplars = Decode(ExemplarsRecordBytes({exemplar})).exemplars;
  ASSERT_EQ(exemplars.size(), 1u);
  EXPECT_EQ(exemplars[0].exemplar, exemplar.exemplar);

  const auto markers = Decode(MarkersRecordBytes({{1, 2}, {3, 4}})).markers;
  ASSERT_EQ(markers.size(), 2u);
  EXPECT_EQ(markers[1].chunk, 4u);

  const auto metadata = Decode(MetadataRecordBytes(5, 4, "bytes", "How many.")).metadata;
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(metadata[0].metadata, (Metadata{MetricKind::kGaugeHistogram, "bytes", "How many."}));

  EXPECT_EQ(Decode(MinValidTimeRecordBytes(-77)).min_valid_ms, -77);
}

TEST(PrometheusRecordTest, SaysWhichTypesItDoesNotKnow) {
  PrometheusRecord record;
  EXPECT_EQ(DecodePrometheusRecord("\x0f", &record).code(), StatusCode::kUnimplemented);
  EXPECT_EQ(DecodePrometheusRecord("", &record).code(), StatusCode::kCorrupt);
}

TEST(PrometheusRecordTest, ATruncatedRecordIsAnErrorAndYieldsNothing) {
  const std::string bytes = SeriesRecordBytes({{7, Labels{{"__name__", "up"}, {"job", "node"}}}});
  PrometheusRecord record;
  for (size_t n = 2; n < bytes.size(); n++) {
    EXPECT_EQ(DecodePrometheusRecord(bytes.substr(0, n), &record).code(), StatusCode::kCorrupt);
    EXPECT_TRUE(record.series.empty());
  }
}

// ---- segments ----

std::vector<std::string> RandomRecords(uint64_t seed, size_t count) {
  std::mt19937_64 rng(seed);
  std::vector<std::string> records;
  for (size_t i = 0; i < count; i++) {
    std::string record(1 + rng() % (i % 5 == 0 ? 90'000 : 300), '\x02');
    for (size_t k = 1; k < record.size(); k++) record[k] = static_cast<char>(rng() % 16);
    records.push_back(std::move(record));
  }
  return records;
}

// All records of a segment; what was said besides goes to *others.
std::vector<std::string> ReadSegment(std::string_view bytes, std::vector<Outcome>* others) {
  std::vector<std::string> records;
  PrometheusSegmentReader reader(bytes);
  for (;;) {
    const Outcome outcome = reader.Next();
    if (outcome == Outcome::kEnd) return records;
    if (outcome != Outcome::kRecord) others->push_back(outcome);
    if (outcome == Outcome::kTorn) return records;
    if (outcome != Outcome::kRecord) continue;
    const auto record = reader.Record();
    EXPECT_TRUE(record.ok()) << record.status().ToString();
    records.emplace_back(record.ok() ? *record : "");
  }
}

TEST(PrometheusSegmentTest, RecordsOfEveryCompressionComeBack) {
  for (const auto compression :
       {LogCompression::kNone, LogCompression::kSnappy, LogCompression::kZstd}) {
    const auto want = RandomRecords(1, 60);
    LogSegment segment;
    for (const auto& r : want) segment.Add(r, compression);
    segment.PadPage();
    std::vector<Outcome> others;
    EXPECT_EQ(ReadSegment(segment.bytes(), &others), want);
    EXPECT_TRUE(others.empty());
  }
}

TEST(PrometheusSegmentTest, TheTypeShowsWithoutDecompressing) {
  for (const auto compression : {LogCompression::kNone, LogCompression::kSnappy}) {
    LogSegment segment;
    segment.Add(std::string(100'000, '\x07'), compression);
    segment.Add("\x0b", compression);
    PrometheusSegmentReader reader(segment.bytes());
    ASSERT_EQ(reader.Next(), Outcome::kRecord);
    EXPECT_EQ(reader.PeekType(), 7);
    ASSERT_EQ(reader.Next(), Outcome::kRecord);
    EXPECT_EQ(reader.PeekType(), 11);
  }
}

TEST(PrometheusSegmentTest, ATornEndKeepsWhatIsInFrontOfIt) {
  const auto want = RandomRecords(2, 20);
  LogSegment segment;
  std::vector<size_t> ends;
  for (const auto& r : want) {
    segment.Add(r);
    ends.push_back(segment.bytes().size());
  }
  std::mt19937_64 rng(3);
  for (int i = 0; i < 200; i++) {
    const size_t cut = rng() % segment.bytes().size();
    const auto whole =
        static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
    std::vector<Outcome> others;
    const auto got = ReadSegment(std::string_view(segment.bytes()).substr(0, cut), &others);
    ASSERT_EQ(got, std::vector<std::string>(want.begin(), want.begin() + whole)) << cut;
  }
}

TEST(PrometheusSegmentTest, DamageCostsAPageAndNoWrongRecord) {
  const auto want = RandomRecords(4, 200);
  LogSegment segment;
  for (const auto& r : want) segment.Add(r, LogCompression::kSnappy);
  std::mt19937_64 rng(5);
  for (int i = 0; i < 300; i++) {
    std::string bytes = segment.bytes();
    const size_t at = rng() % bytes.size();
    bytes[at] ^= static_cast<char>(1 << (rng() % 8));
    std::vector<std::string> got;
    PrometheusSegmentReader reader(bytes);
    for (Outcome o; (o = reader.Next()) != Outcome::kEnd && o != Outcome::kTorn;) {
      if (o != Outcome::kRecord) continue;
      const auto record = reader.Record();
      if (record.ok()) got.emplace_back(*record);
    }
    // Every record that was found is one that was written, in order, and the last page is reached.
    size_t next = 0;
    for (const std::string& r : got) {
      while (next < want.size() && want[next] != r) next++;
      ASSERT_LT(next, want.size()) << "made up a record, bit flipped at " << at;
      next++;
    }
    if (at + 4 * LogSegment::kPage < bytes.size()) {
      ASSERT_EQ(got.back(), want.back()) << at;
    }
  }
}

TEST(PrometheusSegmentTest, ACompressedLengthOutOfProportionIsRefused) {
  LogSegment segment;
  std::string bomb;
  PutVarint(&bomb, 200 << 20);
  bomb += "\x01x";
  LogSegment raw;
  raw.Add(bomb);
  (*raw.mutable_bytes())[0] |= 8;  // snappy
  PrometheusSegmentReader reader(raw.bytes());
  ASSERT_EQ(reader.Next(), Outcome::kRecord);
  EXPECT_FALSE(reader.Record().ok());
}

// ---- chunks_head ----

TEST(PrometheusHeadChunksTest, ChunksComeBackUpToTheZeros) {
  HeadChunkFile file;
  file.Add(7, 1000, 2000, 1, "abc");
  file.Add(8, -5, 5, kOutOfOrderChunk | 3, std::string(300, 'x'));
  file.PadZeros(4096);
  auto reader = PrometheusHeadChunkReader::Open(file.bytes());
  ASSERT_TRUE(reader.ok());
  PrometheusHeadChunk chunk;
  ASSERT_TRUE(reader->Next(&chunk));
  EXPECT_EQ(chunk.ref, 7u);
  EXPECT_EQ(chunk.min_ms, 1000);
  EXPECT_EQ(chunk.max_ms, 2000);
  EXPECT_FALSE(chunk.out_of_order);
  EXPECT_EQ(chunk.chunk.data, "abc");
  ASSERT_TRUE(reader->Next(&chunk));
  EXPECT_TRUE(chunk.out_of_order);
  EXPECT_EQ(chunk.min_ms, -5);
  EXPECT_EQ(chunk.chunk.encoding, 3);
  EXPECT_EQ(chunk.chunk.data.size(), 300u);
  EXPECT_FALSE(reader->Next(&chunk));
  EXPECT_TRUE(reader->status().ok());
}

TEST(PrometheusHeadChunksTest, DamageIsNoticed) {
  HeadChunkFile file;
  file.Add(7, 1000, 2000, 1, "abc");
  file.Add(8, 1000, 2000, 1, "defg");
  for (size_t i = 0; i < file.bytes().size() * 8; i++) {
    std::string bytes = file.bytes();
    bytes[i / 8] ^= static_cast<char>(1 << (i % 8));
    auto reader = PrometheusHeadChunkReader::Open(bytes);
    if (!reader.ok()) continue;
    PrometheusHeadChunk chunk;
    size_t read = 0;
    while (reader->Next(&chunk)) read++;
    if (i / 8 >= kPrometheusChunksHeaderBytes) {
      EXPECT_FALSE(reader->status().ok()) << i;
      EXPECT_LT(read, 2u);
    }
  }
}

}  // namespace
}  // namespace deucalion::tsdb

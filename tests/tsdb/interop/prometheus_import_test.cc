#include "tsdb/interop/prometheus_import.h"

#include <gtest/gtest.h>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/chunk/xor2_encoder.h"
#include "tests/tsdb/db/db_support.h"
#include "tests/tsdb/interop/prometheus_log_samples.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/chunk/xor2.h"
#include "tsdb/interop/prometheus_head_chunks.h"
#include "tsdb/interop/prometheus_writer.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kT0 = 1'700'006'400'000;  // begins a range of two hours

Labels Series(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

// Every file below `dir` and its bytes.
std::map<std::string, std::string> Files(const std::string& dir) {
  std::map<std::string, std::string> files;
  FileSystem* fs = FileSystem::Posix();
  const auto names = fs->List(dir);
  if (!names.ok()) return files;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(dir, name);
    if (fs->Stat(path)->is_directory) {
      files.merge(Files(path));
    } else {
      files[path] = *fs->ReadFile(path);
    }
  }
  return files;
}

// A Prometheus data directory under construction, and what it should be read as.
class Directory {
 public:
  std::string Path(std::string_view name = "") const {
    return name.empty() ? dir_.path() : dir_.Path(name);
  }
  void Expect(int series, int64_t t, double v) {
    want[Series(series)][t] = std::bit_cast<uint64_t>(v);
  }

  // 3 series in a checkpoint, in-order samples in two segments, one series known by two numbers.
  void FillWal(LogCompression compression = LogCompression::kSnappy) {
    LogSegment checkpoint, first, second;
    checkpoint.Add(SeriesRecordBytes({{1, Series(1)}, {2, Series(2)}, {3, Series(3)}}),
                   compression);
    checkpoint.Add(SamplesRecordBytes(At(0, 20)), compression);
    checkpoint.WriteTo(Path("wal/checkpoint.00000004"), 0);
    first.Add(SamplesRecordBytes(At(20, 400)), compression);
    first.Add(SeriesRecordBytes({{9, Series(3)}, {10, Series(4)}}), compression);
    first.WriteTo(Path("wal"), 5);
    second.Add(SamplesRecordBytes(At(400, 900, true), true), compression);
    second.WriteTo(Path("wal"), 6);
    // Replaced by the checkpoint; Prometheus may not have come to deleting it.
    LogSegment old;
    old.Add(SamplesRecordBytes({{1, kT0 - 1, 0, 99}}));
    old.WriteTo(Path("wal"), 4);
  }

  // Steps of 15 s of series 1 to 3; `renamed`: series 3 is called 9, and there is 10.
  std::vector<RecordedSample> At(int begin, int end, bool renamed = false) {
    std::vector<RecordedSample> samples;
    for (int n = begin; n < end; n++) {
      const int64_t t = kT0 + n * 15'000;
      for (int i = 1; i <= (renamed ? 4 : 3); i++) {
        const uint64_t ref = i == 4 ? 10 : i == 3 && renamed ? 9 : static_cast<uint64_t>(i);
        const double v = n % 100 == 50 ? StaleNan() : i * 1000 + n % 7;
        samples.push_back({ref, t, i == 2 ? kT0 - 1000 : 0, v});
        Expect(i, t, v);
      }
    }
    return samples;
  }

  SampleMap want;

 private:
  TempDir dir_;
};

TEST(PrometheusImportTest, TheWalAndItsCheckpointAreThere) {
  for (const auto compression :
       {LogCompression::kNone, LogCompression::kSnappy, LogCompression::kZstd}) {
    Directory dir;
    dir.FillWal(compression);
    auto db = OpenDb(dir.Path());
    ExpectModel(db.get(), dir.want, "import");
    EXPECT_EQ(db->blocks()->List()->size(), 2u);
  }
}

TEST(PrometheusImportTest, HappensOnceAndTouchesNothingOfPrometheus) {
  Directory dir;
  dir.FillWal();
  const auto before = Files(dir.Path("wal"));
  std::vector<std::string> blocks;
  for (int start = 0; start < 3; start++) {
    auto db = OpenDb(dir.Path());
    ExpectModel(db.get(), dir.want, "start " + std::to_string(start));
    std::vector<std::string> now;
    for (const auto& block : *db->blocks()->List()) now.push_back(block->meta().ulid);
    if (start > 0) {
      EXPECT_EQ(now, blocks);
    }
    blocks = now;
    EXPECT_TRUE(Files(dir.Path("deucalion/import")).empty());
  }
  EXPECT_EQ(Files(dir.Path("wal")), before);
}

TEST(PrometheusImportTest, StartTimesStay) {
  Directory dir;
  dir.FillWal();
  auto db = OpenDb(dir.Path());
  auto querier = db->NewQuerier(kT0, kT0 + 10 * kHour);
  auto set = (*querier)->Select(true, {.min_ms = kT0, .max_ms = kT0 + 10 * kHour},
                                {Matcher::Equal("i", "2")}, nullptr);
  ASSERT_TRUE(set.ok() && (*set)->size() == 1);
  SampleColumns columns;
  ASSERT_TRUE((*set)->Read(0, kT0, kT0 + 10 * kHour, &columns).ok());
  ASSERT_EQ(columns.start_times.size(), 900u);
  EXPECT_EQ(columns.start_times[399], 0);  // the first record type has none
  EXPECT_EQ(columns.start_times[400], kT0 - 1000);
}

TEST(PrometheusImportTest, LateSamplesComeFromTheWbl) {
  Directory dir;
  dir.FillWal();
  LogSegment wbl;
  std::vector<RecordedSample> late;
  for (int n = 0; n < 3000; n++) {  // an hour and more before the WAL, too; some twice
    const int64_t t = kT0 - kHour + (n * 7919 % 2000) * 1000 + 1;
    late.push_back({n % 2 ? 1u : 10u, t, 0, n % 2000 * 0.5});
    auto& series = dir.want[Series(n % 2 ? 1 : 4)];
    series.emplace(t, std::bit_cast<uint64_t>(n % 2000 * 0.5));
  }
  wbl.Add(SamplesRecordBytes(late));
  wbl.Add(MarkersRecordBytes({{1, 8}}));
  wbl.WriteTo(dir.Path("wbl"), 0);
  auto db = OpenDb(dir.Path());
  ExpectModel(db.get(), dir.want, "late");
}

TEST(PrometheusImportTest, ManyLateSamplesBecomeBlocksOfTheirOwn) {
  Directory dir;
  dir.FillWal();
  LogSegment wbl;
  for (int n = 0; n < 200; n++) {
    std::vector<RecordedSample> late;
    for (int k = 0; k < 20; k++) {
      const int64_t t = kT0 - 5 * kHour + (n * 20 + k) * 3001;
      late.push_back({1, t, 0, n + k * 0.5});
      dir.Expect(1, t, n + k * 0.5);
    }
    wbl.Add(SamplesRecordBytes(late));
  }
  wbl.WriteTo(dir.Path("wbl"), 3);
  TempDir out;
  const auto import =
      ImportPrometheusLogs({.fs = FileSystem::Posix(),
                            .clock = Clock::Real(),
                            .logger = Logger::Null(),
                            .root = dir.Path(),
                            .scratch_dir = out.Path("scratch"),
                            .range_ms = 2 * kHour,
                            .max_late_bytes = 16 << 10,
                            .block_dir = [&](const std::string& ulid) { return out.Path(ulid); }});
  ASSERT_TRUE(import.ok()) << import.status().ToString();
  EXPECT_GT(import->blocks.size(), 10u);
  EXPECT_EQ(import->stats.late_samples, 4000u);
  uint64_t samples = 0;
  for (const BlockMeta& meta : import->blocks) samples += meta.samples;
  uint64_t want = 0;
  for (const auto& [series, s] : dir.want) want += s.size();
  EXPECT_EQ(samples, want);
}

TEST(PrometheusImportTest, HeadChunksFillWhatTheWalHasLost) {
  Directory dir;
  LogSegment wal;
  wal.Add(SeriesRecordBytes({{1, Series(1)}, {2, Series(2)}}));
  std::vector<RecordedSample> tail;
  XorWriter xors;
  std::vector<Xor2Sample> xor2;
  for (int n = 0; n < 300; n++) {
    const int64_t t = kT0 + n * 15'000;
    const double v = n * n % 13;
    dir.Expect(1, t, v);
    dir.Expect(2, t, v + 0.5);
    if (n < 120) {
      xors.Append(t, v);
      xor2.push_back({t, v + 0.5, kT0 - 5});
    }
    if (n >= 110) {  // ten of them are in both
      tail.push_back({1, t, 0, v});
      tail.push_back({2, t, 0, v + 0.5});
    }
  }
  wal.Add(SamplesRecordBytes(tail));
  wal.WriteTo(dir.Path("wal"), 0);
  HeadChunkFile chunks;
  chunks.Add(1, kT0, kT0 + 119 * 15'000, kEncodingXor, xors.Finish());
  chunks.Add(2, kT0, kT0 + 119 * 15'000, kXor2Encoding, Xor2Encoder().Encode(xor2));
  XorWriter late;
  late.Append(kT0 - 60'000, 8);
  dir.Expect(1, kT0 - 60'000, 8);
  chunks.Add(1, kT0 - 60'000, kT0 - 60'000, kOutOfOrderChunk | kEncodingXor, late.Finish());
  chunks.Add(77, kT0, kT0, kEncodingXor, late.Finish());  // of nobody
  chunks.PadZeros(1000);
  chunks.WriteTo(dir.Path("chunks_head"), 1);
  auto db = OpenDb(dir.Path());
  ExpectModel(db.get(), dir.want, "chunks_head");
}

TEST(PrometheusImportTest, HistogramsComeFromEverywhere) {
  Directory dir;
  LogSegment wal;
  wal.Add(SeriesRecordBytes({{1, Series(1)}, {2, Series(2)}, {3, Series(3)}, {4, Series(4)}}));
  std::map<Labels, std::map<int64_t, FloatHistogram>> want;
  const auto expect = [&](int series, const RecordedHistogram& r) {
    want[Series(series)][r.time_ms] = Seen(r);
  };
  IntHistogramWriter ints;
  FloatHistogramWriter floats;
  std::string sealed;
  for (uint64_t n = 1; n <= 60; n++) {
    const int64_t t = kT0 + static_cast<int64_t>(n) * 15'000;
    const auto i = IntegerAt(1, t, n), f = FloatAt(2, t, static_cast<double>(n));
    expect(1, i);
    expect(2, f);
    if (n <= 20) {
      ints.Append(t, i.integer, &sealed);
      floats.Append(t, f.floating, &sealed);
    } else if (n <= 40) {
      wal.Add(HistogramsRecordBytes(7, {i}));
      wal.Add(HistogramsRecordBytes(8, {f}));
    } else {
      wal.Add(HistogramsRecordBytes(12, {i}));
      wal.Add(HistogramsRecordBytes(13, {f}));
    }
    const auto ci = CustomAt(3, t, n, false), cf = CustomAt(4, t, n, true);
    expect(3, ci);
    expect(4, cf);
    wal.Add(HistogramsRecordBytes(9, {ci}));
    wal.Add(HistogramsRecordBytes(10, {cf}));
  }
  wal.WriteTo(dir.Path("wal"), 0);
  HeadChunkFile chunks;
  chunks.Add(1, kT0 + 15'000, kT0 + 300'000, kHistogramEncoding, ints.bytes());
  chunks.Add(2, kT0 + 15'000, kT0 + 300'000, kFloatHistogramEncoding, floats.bytes());
  chunks.WriteTo(dir.Path("chunks_head"), 1);
  LogSegment wbl;
  const auto late = IntegerAt(1, kT0 + 1, 1);
  expect(1, late);
  wbl.Add(HistogramsRecordBytes(7, {late}));
  wbl.WriteTo(dir.Path("wbl"), 0);

  auto db = OpenDb(dir.Path());
  auto querier = db->NewQuerier(kMinTimeMs, kMaxTimeMs);
  auto set = (*querier)->Select(true, {.min_ms = kMinTimeMs, .max_ms = kMaxTimeMs}, {}, nullptr);
  ASSERT_TRUE(set.ok());
  ASSERT_EQ((*set)->size(), want.size());
  for (size_t i = 0; i < (*set)->size(); i++) {
    Labels labels;
    SampleColumns columns;
    (*set)->LabelsOf(i, &labels);
    ASSERT_TRUE((*set)->Read(i, kMinTimeMs, kMaxTimeMs, &columns).ok());
    ASSERT_EQ(columns.histograms.size(), want[labels].size()) << labels.ToString();
    for (const HistogramPoint& p : columns.histograms) {
      EXPECT_TRUE(p.histogram.Equals(want[labels][p.time_ms])) << labels.ToString();
      EXPECT_EQ(p.integer, labels.Get("i") == "1" || labels.Get("i") == "3");
    }
  }
}

TEST(PrometheusImportTest, DeletionsHoldAndASeriesThatLeftTheHeadIsNotDeleted) {
  Directory dir;
  dir.FillWal();
  LogSegment wal;
  wal.Add(TombstonesRecordBytes({{1, kT0 + 150'000, kT0 + 300'000}, {2, kMinTimeMs, kMaxTimeMs}}));
  wal.WriteTo(dir.Path("wal"), 7);
  std::erase_if(dir.want[Series(1)],
                [](const auto& s) { return s.first >= kT0 + 150'000 && s.first <= kT0 + 300'000; });
  auto db = OpenDb(dir.Path());
  ExpectModel(db.get(), dir.want, "deletions");
}

TEST(PrometheusImportTest, WhatPrometheussBlocksHoldIsNotTakenAgain) {
  Directory dir;
  // A block of the first two hours; one of its samples has been deleted since.
  Directory source;
  source.FillWal();
  auto from = OpenDb(source.Path());
  BlockMeta meta{.ulid = NewUlid(1), .min_ms = kT0, .max_ms = kT0 + 2 * kHour};
  meta.sources = {meta.ulid};
  auto querier = from->NewQuerier(kT0, kT0 + 2 * kHour - 1);
  auto set = (*querier)->Select(true, {.min_ms = kT0, .max_ms = kT0 + 2 * kHour - 1},
                                {Matcher::NotEqual("i", "2")}, nullptr);
  ASSERT_TRUE(WritePrometheusBlock(FileSystem::Posix(), dir.Path(meta.ulid), **set, meta).ok());
  dir.FillWal();
  std::erase_if(dir.want[Series(2)], [](const auto& s) { return s.first < kT0 + 2 * kHour; });
  {
    auto db = OpenDb(dir.Path());
    ExpectModel(db.get(), dir.want, "behind the block");
  }
  // A checkpoint that says where the head begins is believed more than a block.
  Directory told;
  ASSERT_TRUE(WritePrometheusBlock(FileSystem::Posix(), told.Path(meta.ulid), **set, meta).ok());
  told.FillWal();
  LogSegment checkpoint;
  checkpoint.Add(SeriesRecordBytes({{1, Series(1)}, {2, Series(2)}, {3, Series(3)}}));
  checkpoint.Add(MinValidTimeRecordBytes(kT0));
  checkpoint.Add(SamplesRecordBytes(told.At(0, 20)));
  checkpoint.WriteTo(told.Path("wal/checkpoint.00000004"), 0);
  auto db = OpenDb(told.Path());
  ExpectModel(db.get(), told.want, "the head's own word");
}

TEST(PrometheusImportTest, ExemplarsAndMetadataComeAlong) {
  Directory dir;
  dir.FillWal();
  LogSegment wal;
  RecordedExemplar e{.ref = 9};
  e.exemplar = {Labels{{"trace_id", "abc"}}, 0.25, kT0 + 1234, true};
  wal.Add(ExemplarsRecordBytes({e}));
  wal.Add(MetadataRecordBytes(1, 1, "seconds", "Time passes."));
  wal.WriteTo(dir.Path("wal"), 7);
  for (int start = 0; start < 2; start++) {
    auto db = OpenDb(dir.Path());
    const auto found = db->exemplars()->Select(kT0, kT0 + kHour, {{Matcher::Equal("i", "3")}});
    ASSERT_TRUE(found.ok() && found->size() == 1) << start;
    ASSERT_EQ((*found)[0].exemplars.size(), 1u);
    EXPECT_EQ((*found)[0].exemplars[0], e.exemplar);
    EXPECT_EQ((*found)[0].series, Series(3));
  }
}

TEST(PrometheusImportTest, WhatPrometheusWritesAfterwardsIsTakenFromThere) {
  Directory dir;
  dir.FillWal();
  {
    auto db = OpenDb(dir.Path());
    ASSERT_TRUE(db->DeleteSeries(kT0, kT0 + 60'000, {Matcher::Equal("i", "1")}).ok());
  }
  std::erase_if(dir.want[Series(1)], [](const auto& s) { return s.first <= kT0 + 60'000; });
  // Prometheus ran once more: a new segment, a new file of chunks.
  LogSegment wal;
  wal.Add(SeriesRecordBytes({{20, Series(5)}}));
  wal.Add(SamplesRecordBytes({{20, kT0 + 5 * kHour, 0, 1}, {1, kT0 + 5 * kHour, 0, 2}}));
  wal.WriteTo(dir.Path("wal"), 7);
  dir.Expect(5, kT0 + 5 * kHour, 1);
  dir.Expect(1, kT0 + 5 * kHour, 2);
  for (int start = 0; start < 2; start++) {
    auto db = OpenDb(dir.Path());
    ExpectModel(db.get(), dir.want, "second import");
    EXPECT_EQ(db->blocks()->List()->size(), 3u);
  }
}

TEST(PrometheusImportTest, LogsThatBeginAnewAreReadFromTheirBeginning) {
  Directory dir;
  dir.FillWal();
  ASSERT_NE(OpenDb(dir.Path()), nullptr);
  ASSERT_TRUE(FileSystem::Posix()->RemoveAll(dir.Path("wal")).ok());
  ExpectModel(OpenDb(dir.Path()).get(), dir.want, "without the logs");
  LogSegment wal;
  wal.Add(SeriesRecordBytes({{1, Series(7)}}));
  wal.Add(SamplesRecordBytes({{1, kT0 + 5 * kHour, 0, 1}}));
  wal.WriteTo(dir.Path("wal"), 0);
  dir.Expect(7, kT0 + 5 * kHour, 1);
  ExpectModel(OpenDb(dir.Path()).get(), dir.want, "other logs");
}

TEST(PrometheusImportTest, DamageCostsWhatItTouches) {
  Directory dir;
  LogSegment wal;
  wal.Add(SeriesRecordBytes({{1, Series(1)}}));
  for (int n = 0; n < 5000; n++) {
    wal.Add(SamplesRecordBytes({{1, kT0 + n * 1000, 0, n * 1.0}}));
    dir.Expect(1, kT0 + n * 1000, n);
  }
  wal.Add(SamplesRecordBytes({{55, kT0, 0, 1}}));  // of nobody
  wal.mutable_bytes()->append("\x01\x10", 2);      // the beginning of a record
  (*wal.mutable_bytes())[40'000] ^= 1;             // in the second page
  wal.WriteTo(dir.Path("wal"), 0);
  auto db = OpenDb(dir.Path());
  const SampleMap got = ReadAll(db.get());
  ASSERT_EQ(got.size(), 1u);
  const auto& samples = got.begin()->second;
  EXPECT_GT(samples.size(), 5000u - 2000u);
  EXPECT_LT(samples.size(), 5000u);
  EXPECT_TRUE(samples.contains(kT0) && samples.contains(kT0 + 4999 * 1000));
  EXPECT_GE(db->replay_stats().damaged, 1u);
  for (const auto& [t, bits] : samples) EXPECT_EQ(dir.want[Series(1)][t], bits);
}

TEST(PrometheusImportTest, ACrashAtAnyStepNeitherLosesNorDoubles) {
  for (uint64_t step = 1;; step += 5) {
    Directory dir;
    dir.FillWal();
    FaultFileSystem fs(FileSystem::Posix());
    fs.SetPlan({.fail_at = step, .tear = step % 2 == 0, .crash = true});
    DbOptions options;
    options.fs = &fs;
    options.background = false;
    options.shards = 4;
    (void)Db::Open(dir.Path(), options);
    const bool fired = fs.fired();
    ASSERT_TRUE(fs.DropUnsynced().ok());
    fs.Clear();
    auto db = Db::Open(dir.Path(), options);
    ASSERT_TRUE(db.ok()) << step << ": " << db.status().ToString();
    ExpectModel(db->get(), dir.want, "crash at step " + std::to_string(step));
    ASSERT_EQ((*db)->blocks()->List()->size(), 2u) << "crash at step " << step;
    if (!fired) break;
  }
}

}  // namespace
}  // namespace deucalion::tsdb

// Pins what is read from a Prometheus directory: tests/golden/prometheus_data has every record type
// up to 3.14, of which the Prometheus at hand writes about half, in all three compressions, with a
// torn end; expected.txt is what must come out of it. DEUCALION_WRITE_GOLDEN=1 writes both anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "model/value.h"
#include "tests/support/source_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/chunk/xor2_encoder.h"
#include "tests/tsdb/interop/prometheus_log_samples.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/chunk/xor2.h"
#include "tsdb/interop/prometheus_head_chunks.h"
#include "tsdb/interop/prometheus_import.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kT0 = 1'700'006'400'000;

Labels Series(std::string_view name) { return Labels{{"__name__", name}, {"job", "golden"}}; }

int64_t At(int n) { return kT0 + n * 15'000; }

void WriteCheckpoint(const std::string& dir) {
  LogSegment segment;
  segment.Add(MinValidTimeRecordBytes(kT0));
  segment.Add(
      SeriesRecordBytes({{1, Series("float")}, {2, Series("started")}, {3, Series("chunked")}}),
      LogCompression::kSnappy);
  segment.Add(SamplesRecordBytes({{1, At(-1), 0, 99}, {1, At(0), 0, 1.5}, {2, At(0), 0, 2.5}}),
              LogCompression::kZstd);
  segment.PadPage();
  segment.WriteTo(dir + "/wal/checkpoint.00000002", 0);
}

void WriteWal(const std::string& dir) {
  LogSegment a, b;
  a.Add(SeriesRecordBytes({{4, Series("ints")}, {5, Series("floats")}, {6, Series("bounds")}}));
  a.Add(SeriesRecordBytes({{7, Series("float_bounds")}, {8, Series("chunked")}}));
  a.Add(SamplesRecordBytes({{1, At(1), 0, -0.0}, {1, At(2), 0, StaleNan()}, {1, At(1), 0, 7}}),
        LogCompression::kSnappy);
  a.Add(SamplesRecordBytes({{2, At(1), At(0), 3},
                            {2, At(2), At(0), 4},
                            {2, At(3), 0, 5},
                            {2, At(4), At(3), 1},
                            {8, At(4), At(3), 12}},
                           true),
        LogCompression::kZstd);
  a.Add(HistogramsRecordBytes(7, {IntegerAt(4, At(1), 1), IntegerAt(4, At(2), 3)}));
  a.Add(HistogramsRecordBytes(8, {FloatAt(5, At(1), 1), FloatAt(5, At(2), 2.5)}));
  a.Add(HistogramsRecordBytes(9, {CustomAt(6, At(1), 1, false), CustomAt(6, At(2), 2, false)}));
  a.Add(HistogramsRecordBytes(10, {CustomAt(7, At(1), 1, true), CustomAt(7, At(2), 2, true)}));
  a.WriteTo(dir + "/wal", 3);
  b.Add(HistogramsRecordBytes(12, {IntegerAt(4, At(3), 4, At(0)), IntegerAt(4, At(4), 5, At(0))}),
        LogCompression::kSnappy);
  b.Add(HistogramsRecordBytes(13, {FloatAt(5, At(3), 3), FloatAt(5, At(4), 4, At(3))}),
        LogCompression::kZstd);
  b.Add(TombstonesRecordBytes({{1, At(1), At(1)}, {2, kMinTimeMs, kMaxTimeMs}}));
  RecordedExemplar exemplar{.ref = 2};
  exemplar.exemplar = {Labels{{"trace_id", "00ff"}}, 0.5, At(2) + 3, true};
  b.Add(ExemplarsRecordBytes({exemplar}));
  b.Add(MetadataRecordBytes(2, 1, "seconds", "Time \"spent\"."));
  b.Add(std::string("\x7fof a later version"));
  b.Add(SamplesRecordBytes({{99, At(3), 0, 1}}));  // of nobody
  b.Add(SamplesRecordBytes({{1, At(5), 0, 55}}));
  b.mutable_bytes()->resize(b.bytes().size() - 3);  // torn
  b.WriteTo(dir + "/wal", 4);
}

void WriteRest(const std::string& dir) {
  LogSegment wbl;
  wbl.Add(SamplesRecordBytes({{1, At(0) + 5, 0, 10}, {1, At(-500), 0, 11}}));
  wbl.Add(MarkersRecordBytes({{1, uint64_t{1} << 32 | 8}}));
  wbl.Add(HistogramsRecordBytes(7, {IntegerAt(4, At(1) + 5, 2)}));
  wbl.WriteTo(dir + "/wbl", 0);
  HeadChunkFile chunks;
  XorWriter xors, late;
  for (int n = 0; n < 3; n++) xors.Append(At(n), 8 + n);
  chunks.Add(3, At(0), At(2), kEncodingXor, xors.Finish());
  chunks.Add(8, At(3), At(3), kXor2Encoding, Xor2Encoder().Encode({{At(3), 11, At(2)}}));
  late.Append(At(0) + 7, 77);
  chunks.Add(3, At(0) + 7, At(0) + 7, kOutOfOrderChunk | kEncodingXor, late.Finish());
  std::string sealed;
  IntHistogramWriter ints;
  ints.Append(At(0), IntegerAt(4, At(0), 1).integer, &sealed);
  chunks.Add(4, At(0), At(0), kHistogramEncoding, ints.bytes());
  FloatHistogramWriter floats;
  floats.Append(At(0), FloatAt(5, At(0), 0.5).floating, &sealed);
  chunks.Add(5, At(0), At(0), kFloatHistogramEncoding, floats.bytes());
  chunks.PadZeros(100);
  chunks.WriteTo(dir + "/chunks_head", 1);
}

std::string TextOf(const PrometheusImport& import, const TempDir& out) {
  std::string text;
  for (const BlockMeta& meta : import.blocks) {
    text += "block " + std::to_string(meta.min_ms - kT0) + " to " +
            std::to_string(meta.max_ms - kT0) + "\n";
    const auto block = BlockReader::Open(FileSystem::Posix(), out.Path(meta.ulid));
    EXPECT_TRUE(block.ok());
    for (SeriesNumber n = 0; n < meta.series; n++) {
      Labels labels;
      SampleColumns s;
      EXPECT_TRUE((*block)->LabelsOf(n, &labels).ok());
      EXPECT_TRUE((*block)->Read(n, kMinTimeMs, kMaxTimeMs, &s).ok());
      text += labels.ToString() + "\n";
      for (size_t i = 0; i < s.times.size(); i++) {
        const int64_t st_ms = s.start_times.empty() ? 0 : s.start_times[i];
        text += "  " + std::to_string(s.times[i] - kT0) + " " + FormatFloatG(s.values[i]) +
                (IsStaleNan(s.values[i]) ? " stale" : "") +
                (st_ms == 0 ? "" : " since " + std::to_string(st_ms - kT0)) + "\n";
      }
      for (const HistogramPoint& p : s.histograms) {
        text += "  " + std::to_string(p.time_ms - kT0) + (p.integer ? " integer " : " float ") +
                p.histogram.TestExpression() +
                (p.st_ms == 0 ? "" : " since " + std::to_string(p.st_ms - kT0)) + "\n";
      }
    }
  }
  for (const auto& [labels, e] : import.exemplars) {
    text += "exemplar of " + labels.ToString() + ": " + e.labels.ToString() + " " +
            FormatFloatG(e.value) + " at " + std::to_string(e.time_ms - kT0) + "\n";
  }
  for (const auto& [labels, m] : import.metadata) {
    text += "metadata of " + labels.ToString() + ": " + std::string(MetricKindText(m.kind)) + " " +
            m.unit + " " + m.help + "\n";
  }
  const PrometheusImportStats& s = import.stats;
  return text + "torn " + std::to_string(s.torn) + ", damaged " + std::to_string(s.damaged) +
         ", unknown series " + std::to_string(s.unknown_refs) + ", unknown records " +
         std::to_string(s.unknown_records) + "\n";
}

TEST(PrometheusGoldenTest, EveryRecordTypeStillReads) {
  FileSystem* fs = FileSystem::Posix();
  const std::string golden = JoinPath(SourceDir(), "tests/golden/prometheus_data");
  const bool write = std::getenv("DEUCALION_WRITE_GOLDEN") != nullptr;
  if (write) {
    ASSERT_TRUE(fs->RemoveAll(golden).ok());
    WriteCheckpoint(golden);
    WriteWal(golden);
    WriteRest(golden);
  }
  TempDir out;
  const auto import =
      ImportPrometheusLogs({.fs = fs,
                            .clock = Clock::Real(),
                            .logger = Logger::Null(),
                            .root = golden,
                            .scratch_dir = out.Path("scratch"),
                            .range_ms = 2 * 3'600'000,
                            .max_exemplars = 10,
                            .block_dir = [&](const std::string& ulid) { return out.Path(ulid); }});
  ASSERT_TRUE(import.ok()) << import.status().ToString();
  const std::string text = TextOf(*import, out);
  if (write) {
    ASSERT_TRUE(fs->WriteFileAtomically(golden + "/expected.txt", text).ok());
  }
  EXPECT_EQ(text, *fs->ReadFile(golden + "/expected.txt"));
}

}  // namespace
}  // namespace deucalion::tsdb

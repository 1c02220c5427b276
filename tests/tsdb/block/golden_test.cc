// Pins the disk format of blocks. tests/golden/block was written by the first version of it: it
// must always read as below, and the index, which no library compresses, must still be written so.
// DEUCALION_WRITE_GOLDEN=1 writes it anew: only together with a new format version.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/source_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/block/block_fixture.h"
#include "tsdb/block/block_reader.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMin = 1'700'006'400'000;
constexpr int64_t kMax = kMin + 8 * 3'600'000;

// Independent of any random number generator.
SeriesMap GoldenSeries() {
  SeriesMap all;
  const auto times = [](SampleColumns* s, int n, int64_t step) {
    for (int i = 0; i < n; ++i) s->times.push_back(kMin + 1'000 + i * step);
  };
  for (int host = 0; host < 40; ++host) {
    const std::string instance = "host-" + std::to_string(host);
    SampleColumns& counter = all[Labels{{"__name__", "requests_total"}, {"instance", instance}}];
    times(&counter, 1'000, 15'000);
    double total = 0;
    for (int i = 0; i < 1'000; ++i) counter.values.push_back(total += (i * 7919 + host) % 97);
    SampleColumns& gauge =
        all[Labels{{"__name__", "temperature"}, {"instance", instance}, {"unit", "C"}}];
    times(&gauge, 200, 60'000);
    for (int i = 0; i < 200; ++i) gauge.values.push_back(20 + (i * i + host) % 13 / 10.0);
    gauge.values[100] = StaleNan();
    gauge.times[50] += 7;
    SampleColumns& up = all[Labels{{"__name__", "up"}, {"instance", instance}}];
    times(&up, 480, 15'000);
    up.values.assign(480, 1);
  }
  SampleColumns& odd = all[Labels{{"__name__", "odd"}}];
  times(&odd, 5, 1'000);
  odd.values = {-0.0, 1.0 / 3, std::bit_cast<double>(0xfff8dead00000001), 5e-324, 1e300};
  odd.start_times = {0, kMin, kMin, kMin, kMin + 5};
  SampleColumns& histogram = all[Labels{{"__name__", "latency"}}];
  HistogramPoint p;
  p.integer = true;
  p.histogram.schema = 3;
  p.histogram.zero_threshold = 1e-128;
  p.histogram.positive_spans = {{-1, 2}, {3, 1}};
  p.histogram.positive_buckets = {1, 2, 3};
  for (int i = 0; i < 30; ++i) {
    p.time_ms = kMin + i * 15'000;
    p.histogram.count += i;
    p.histogram.sum += 0.5;
    p.histogram.positive_buckets[static_cast<size_t>(i % 3)] += i;
    histogram.histograms.push_back(p);
  }
  return all;
}

TEST(BlockGoldenTest, TheFirstBlockEverWrittenStillReads) {
  const std::string golden = JoinPath(SourceDir(), "tests/golden/block/01ARZ3NDEKTSV4RRFFQ69G5FAV");
  FileSystem* fs = FileSystem::Posix();
  const SeriesMap series = GoldenSeries();
  if (std::getenv("DEUCALION_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(fs->RemoveAll(golden).ok());
    ASSERT_TRUE(WriteBlock(fs, golden, series, kMin, kMax, true).ok());
  }
  const auto block = BlockReader::Open(fs, golden);
  ASSERT_TRUE(block.ok()) << block.status().ToString();
  ASSERT_TRUE((*block)->VerifyAll().ok());
  ASSERT_EQ((*block)->index().NumSeries(), series.size());
  SeriesNumber n = 0;
  for (const auto& [labels, samples] : series) {
    Labels got;
    SampleColumns out;
    ASSERT_TRUE((*block)->LabelsOf(n, &got).ok());
    ASSERT_EQ(got, labels);
    ASSERT_TRUE((*block)->Read(n++, kMin, kMax, &out).ok());
    ASSERT_TRUE(SameSamples(out, samples)) << labels.ToString();
    EXPECT_EQ(out.start_times, samples.start_times);
  }
  TempDir dir;
  ASSERT_TRUE(WriteBlock(fs, dir.Path("b"), series, kMin, kMax, true).ok());
  EXPECT_EQ(*fs->ReadFile(dir.Path("b/index")), *fs->ReadFile(golden + "/index"));
}

}  // namespace
}  // namespace deucalion::tsdb

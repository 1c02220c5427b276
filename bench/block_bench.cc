// A block of 500,000 series with 12 labels: index look-ups, selection, labels, reads, and bytes per
// series and sample. The block is made once per process in a temporary directory.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "base/file_system.h"
#include "bench/load/generator.h"
#include "bench/pod_series.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/block/merged_querier.h"
#include "tsdb/index/matcher_select.h"

namespace deucalion::tsdb {
namespace {

using bench::kPods;
using bench::kPodSeries;
constexpr int64_t kMin = 1'700'006'400'000;
constexpr int64_t kMax = kMin + 2 * 3'600'000;
constexpr int kSamples = 40;

std::shared_ptr<const Block> TheBlock() {
  static const std::shared_ptr<const Block> block = [] {
    std::string dir = "/tmp/deucalion-bench-XXXXXX";
    if (mkdtemp(dir.data()) == nullptr) std::abort();
    FileSystem* fs = FileSystem::Posix();
    std::vector<Labels> all;
    for (int i = 0; i < kPodSeries; ++i) all.push_back(bench::PodSeries(i));
    std::sort(all.begin(), all.end());
    BlockMeta meta;
    meta.ulid = NewUlid(kMin);
    meta.min_ms = kMin;
    meta.max_ms = kMax;
    auto writer = BlockWriter::Create(fs, dir, meta, {});
    std::mt19937_64 rng(1);
    SampleColumns samples;
    for (const Labels& labels : all) {
      samples.Clear();
      double v = 0;
      for (int k = 0; k < kSamples; ++k) {
        samples.times.push_back(kMin + k * 15'000);
        samples.values.push_back(v += static_cast<double>(rng() % 100));
      }
      if (!(*writer)->Add(labels, samples).ok()) std::abort();
    }
    if (!(*writer)->Finish().ok()) std::abort();
    auto opened = BlockReader::Open(fs, dir);
    (void)fs->RemoveAll(dir);
    return *opened;
  }();
  return block;
}

void BM_ExactPostings(benchmark::State& state) {
  const auto block = TheBlock();
  int pod = 0;
  for (auto _ : state) {
    IndexValue value;
    pod = (pod + 7919) % kPods;
    if (!block->index().FindValue("pod", bench::PodName(pod), &value)) std::abort();
    benchmark::DoNotOptimize(block->index().PostingsOf(value));
  }
  state.counters["index B/series"] =
      static_cast<double>(block->meta().files.back().size_bytes) / kPodSeries;
}
BENCHMARK(BM_ExactPostings);

void BM_Select(benchmark::State& state) {
  const auto block = TheBlock();
  const auto selection = bench::PodSelections()[static_cast<size_t>(state.range(0))];
  size_t found = 0;
  for (auto _ : state) {
    found = block->Select(selection.matchers, kMin, kMax, nullptr)->size();
    benchmark::DoNotOptimize(found);
  }
  state.SetLabel(selection.name);
  state.counters["series"] = static_cast<double>(found);
}
BENCHMARK(BM_Select)->DenseRange(0, 4)->Unit(benchmark::kMicrosecond);

void BM_LabelValuesTenThousand(benchmark::State& state) {
  const auto block = TheBlock();
  bool truncated = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(SelectLabelValues(block->index(), "pod", {}, 0, &truncated, nullptr));
  }
}
BENCHMARK(BM_LabelValuesTenThousand)->Unit(benchmark::kMicrosecond);

void BM_LabelsOfTenThousandSeries(benchmark::State& state) {
  const auto block = TheBlock();
  Labels labels;
  for (auto _ : state) {
    for (SeriesNumber n = 70'000; n < 80'000; ++n) {
      if (!block->LabelsOf(n, &labels).ok()) std::abort();
    }
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(BM_LabelsOfTenThousandSeries);

void BM_ReadTenThousandSeries(benchmark::State& state) {
  const auto block = TheBlock();
  MergedQuerier querier(nullptr, INT64_MAX, {block}, kMin, kMax);
  auto set = querier.Select(true, {.min_ms = kMin, .max_ms = kMax},
                            {Matcher::Equal("__name__", "container_metric_7")}, nullptr);
  SampleColumns samples;
  for (auto _ : state) {
    for (size_t i = 0; i < (*set)->size(); ++i) {
      samples.Clear();
      if (!(*set)->Read(i, kMin, kMax, &samples).ok()) std::abort();
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>((*set)->size()) * kSamples);
}
BENCHMARK(BM_ReadTenThousandSeries);

// Two hours of generated series at 15 s: half node_exporter-like, half Kubernetes-like.
void BM_WriteBlock(benchmark::State& state) {
  constexpr int kGenerated = 5000;
  constexpr int kSteps = 480;
  std::vector<std::pair<Labels, std::vector<double>>> all;
  for (uint32_t i = 0; i < kGenerated; ++i) {
    bench::GeneratedSeries s = bench::MakeSeries(1, i, 0);
    LabelsBuilder b;
    for (const auto& [name, value] : s.labels) b.Set(name, value);
    auto& entry = all.emplace_back(b.Build(), std::vector<double>());
    for (int k = 0; k < kSteps; ++k) entry.second.push_back(s.Next());
  }
  std::sort(all.begin(), all.end());
  std::string dir = "/tmp/deucalion-bench-XXXXXX";
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  BlockMeta meta;
  meta.ulid = NewUlid(kMin);
  meta.min_ms = kMin;
  meta.max_ms = kMax;
  BlockWriterOptions options;
  options.segments.zstd_level = static_cast<int>(state.range(0));
  SampleColumns samples;
  for (int k = 0; k < kSteps; ++k) samples.times.push_back(kMin + k * 15'000);
  BlockMeta written;
  for (auto _ : state) {
    auto writer = BlockWriter::Create(FileSystem::Posix(), dir, meta, options);
    for (const auto& [labels, values] : all) {
      samples.values = values;
      if (!(*writer)->Add(labels, samples).ok()) std::abort();
    }
    written = *(*writer)->Finish();
  }
  (void)FileSystem::Posix()->RemoveAll(dir);
  state.SetItemsProcessed(state.iterations() * kGenerated * kSteps);
  state.counters["B/sample"] = static_cast<double>(written.SizeBytes()) / (kGenerated * kSteps);
  state.counters["index B/series"] =
      static_cast<double>(written.files.back().size_bytes) / kGenerated;
}
BENCHMARK(BM_WriteBlock)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

void BM_OpenBlock(benchmark::State& state) {
  // The files are gone from the directory: opened once more from a block kept for this.
  std::string dir = "/tmp/deucalion-bench-XXXXXX";
  if (mkdtemp(dir.data()) == nullptr) std::abort();
  BlockMeta meta;
  meta.ulid = NewUlid(kMin);
  meta.min_ms = kMin;
  meta.max_ms = kMax;
  auto writer = BlockWriter::Create(FileSystem::Posix(), dir, meta, {});
  std::map<Labels, int> sorted;
  for (int i = 0; i < 20'000; ++i) sorted[bench::PodSeries(i)] = i;
  SampleColumns samples;
  samples.times = {kMin};
  samples.values = {1};
  for (const auto& [labels, i] : sorted) {
    if (!(*writer)->Add(labels, samples).ok()) std::abort();
  }
  if (!(*writer)->Finish().ok()) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(BlockReader::Open(FileSystem::Posix(), dir));
  (void)FileSystem::Posix()->RemoveAll(dir);
}
BENCHMARK(BM_OpenBlock);

}  // namespace
}  // namespace deucalion::tsdb

// A block of 500,000 series with 12 labels: index look-ups, selection, labels, reads, and bytes per
// series and sample. The block is made once per process in a temporary directory.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "base/file_system.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/block/merged_querier.h"
#include "tsdb/index/matcher_select.h"

namespace deucalion::tsdb {
namespace {

constexpr int kSeries = 500'000;
constexpr int kPods = 10'000;
constexpr int64_t kMin = 1'700'006'400'000;
constexpr int64_t kMax = kMin + 2 * 3'600'000;
constexpr int kSamples = 40;

Labels SeriesLabels(int i) {
  const int pod = i % kPods, metric = i / kPods;  // 50 metrics
  LabelsBuilder b;
  b.Set("__name__", "container_metric_" + std::to_string(metric));
  b.Set("cluster", "eu-west-1").Set("container", "c" + std::to_string(pod % 7));
  b.Set("env", "production").Set("image", "registry/app-" + std::to_string(pod % 300) + ":v1");
  b.Set("instance", "10.0." + std::to_string(pod % 250) + ".1:10250").Set("job", "kubelet");
  b.Set("namespace", "ns-" + std::to_string(pod % 120))
      .Set("node", "node-" + std::to_string(pod % 250));
  b.Set("pod", "deployment-" + std::to_string(pod) + "-x7k2p").Set("region", "eu");
  b.Set("service", "svc-" + std::to_string(pod % 400));
  return b.Build();
}

std::shared_ptr<const Block> TheBlock() {
  static const std::shared_ptr<const Block> block = [] {
    std::string dir = "/tmp/deucalion-bench-XXXXXX";
    if (mkdtemp(dir.data()) == nullptr) std::abort();
    FileSystem* fs = FileSystem::Posix();
    std::vector<Labels> all;
    for (int i = 0; i < kSeries; ++i) all.push_back(SeriesLabels(i));
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
    const std::string name = "deployment-" + std::to_string(pod) + "-x7k2p";
    if (!block->index().FindValue("pod", name, &value)) std::abort();
    benchmark::DoNotOptimize(block->index().PostingsOf(value));
  }
  state.counters["index B/series"] =
      static_cast<double>(block->meta().files.back().size_bytes) / kSeries;
}
BENCHMARK(BM_ExactPostings);

void Select(benchmark::State& state, const std::vector<Matcher>& matchers) {
  const auto block = TheBlock();
  size_t found = 0;
  for (auto _ : state) found = block->Select(matchers, kMin, kMax, nullptr)->size();
  state.counters["series"] = static_cast<double>(found);
}

void BM_SelectThreeMatchers(benchmark::State& state) {
  Select(state, {Matcher::Equal("image", "registry/app-17:v1"), Matcher::Equal("job", "kubelet"),
                 Matcher::Equal("container", "c3")});
}
BENCHMARK(BM_SelectThreeMatchers);

void BM_SelectMetric(benchmark::State& state) {
  Select(state,
         {Matcher::Equal("__name__", "container_metric_7"), Matcher::Equal("job", "kubelet")});
}
BENCHMARK(BM_SelectMetric);

void BM_SelectRegexTenThousandValues(benchmark::State& state) {
  Select(state, {*Matcher::Make(MatchType::kRegexp, "pod", ".*-12.*-x7k2p")});
}
BENCHMARK(BM_SelectRegexTenThousandValues);

void BM_LabelValuesTenThousand(benchmark::State& state) {
  const auto block = TheBlock();
  bool truncated = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(SelectLabelValues(block->index(), "pod", {}, 0, &truncated, nullptr));
  }
}
BENCHMARK(BM_LabelValuesTenThousand);

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
  for (int i = 0; i < 20'000; ++i) sorted[SeriesLabels(i)] = i;
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

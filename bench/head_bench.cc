// Benchmarks of the head and its parts: append, series creation, XOR, postings, selection, replay.
//   cmake --preset bench && cmake --build build/bench --target head_bench &&
//   build/bench/bin/head_bench
#include <benchmark/benchmark.h>

#include <bit>
#include <cmath>
#include <random>

#include "bench/pod_series.h"
#include "tests/support/temp_dir.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/db/db.h"
#include "tsdb/head/head_querier.h"
#include "tsdb/index/matcher_select.h"

namespace deucalion::tsdb {
namespace {

// Series as a fleet of nodes and pods has them: 12 labels, one of them nearly unique.
Labels FleetSeries(size_t i) {
  const size_t target = i / 500;
  const size_t metric = i % 500;
  return Labels{{"__name__", "node_metric_number_" + std::to_string(metric / 4) + "_total"},
                {"cluster", "production-eu-west-1"},
                {"container", "exporter"},
                {"cpu", std::to_string(metric % 4)},
                {"endpoint", "metrics"},
                {"instance", "10.12." + std::to_string(target / 250) + "." +
                                 std::to_string(target % 250) + ":9100"},
                {"job", "node-exporter"},
                {"namespace", "monitoring"},
                {"node", "ip-10-12-" + std::to_string(target) + ".eu-west-1.compute.internal"},
                {"pod", "node-exporter-" + std::to_string(target * 7919 % 100000)},
                {"prometheus", "monitoring/k8s"},
                {"service", "node-exporter"}};
}

// Three fifths constant, the rest counters, gauges with decimals and a little true noise.
double FleetValue(size_t series, size_t step, std::mt19937_64& rng) {
  switch (series % 10) {
    case 0:
      return static_cast<double>(step * 1000 + rng() % 500);
    case 1:
      return static_cast<double>(rng() % 10000) / 100;
    case 2:
      return static_cast<double>(step * 15);
    case 3:
      return static_cast<double>(1'000'000'000 + rng() % 1'000'000);
    case 4:
      return series % 100 == 4 ? std::sin(static_cast<double>(step + series)) : 42.5;
    default:
      return static_cast<double>(series % 7);
  }
}

DbOptions BenchOptions() {
  DbOptions options;
  options.durability = wal::Durability::kOs;
  options.background = false;
  return options;
}

uint64_t AnonymousBytes() {
  std::FILE* f = std::fopen("/proc/self/status", "r");
  char line[256];
  unsigned long kb = 0;
  while (f != nullptr && std::fgets(line, sizeof(line), f) != nullptr) {
    if (std::sscanf(line, "RssAnon: %lu kB", &kb) == 1) break;
  }
  if (f != nullptr) std::fclose(f);
  return kb * 1024;
}

void BM_CreateSeries(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  std::vector<Labels> series;
  std::vector<uint64_t> hashes;
  for (size_t i = 0; i < n; i++) {
    series.push_back(FleetSeries(i));
    hashes.push_back(series.back().Hash());
  }
  for (auto _ : state) {
    state.PauseTiming();
    TempDir dir;
    auto db = std::move(*Db::Open(dir.path(), BenchOptions()));
    const uint64_t before = AnonymousBytes();
    state.ResumeTiming();
    for (size_t begin = 0; begin < n; begin += 2000) {
      auto appender = db->NewAppender({});
      for (size_t i = begin; i < std::min(n, begin + 2000); i++) {
        const SeriesRef ref = *appender->FindOrCreate(series[i], hashes[i], 0);
        benchmark::DoNotOptimize(appender->Append(ref, 1'700'000'000'000, 1, 0).ok());
      }
      if (!appender->Commit().ok()) state.SkipWithError("commit");
    }
    state.PauseTiming();
    state.counters["B_per_series"] =
        static_cast<double>(AnonymousBytes() - before) / static_cast<double>(n);
    state.counters["wal_B_per_series"] =
        static_cast<double>(db->wal()->written_bytes()) / static_cast<double>(n);
    db.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(n));
}
BENCHMARK(BM_CreateSeries)->Arg(500'000)->Unit(benchmark::kMillisecond)->Iterations(1);

// Requests of 2,000 series, one sample each, as remote write sends them; `hint` predicts the
// series.
void BM_Append(benchmark::State& state) {
  const size_t n = 200'000;
  const bool look_up = state.range(0) != 0;
  TempDir dir;
  auto db = std::move(*Db::Open(dir.path(), BenchOptions()));
  std::vector<Labels> series;
  std::vector<uint64_t> hashes;
  std::vector<SeriesRef> refs;
  for (size_t i = 0; i < n; i++) {
    series.push_back(FleetSeries(i));
    hashes.push_back(series.back().Hash());
  }
  {
    auto appender = db->NewAppender({});
    for (size_t i = 0; i < n; i++) refs.push_back(*appender->FindOrCreate(series[i], hashes[i], 0));
  }
  std::mt19937_64 rng(1);
  size_t step = 0;
  std::vector<RefSample> batch;
  std::vector<double> values(n);
  std::vector<SampleError> errors;
  const uint64_t wal_before = db->wal()->written_bytes();
  for (auto _ : state) {
    state.PauseTiming();
    step++;
    for (size_t i = 0; i < n; i++) values[i] = FleetValue(i, step, rng);
    state.ResumeTiming();
    for (size_t begin = 0; begin < n; begin += 2000) {
      auto appender = db->NewAppender({});
      batch.clear();
      for (size_t i = begin; i < begin + 2000; i++) {
        SeriesRef ref = refs[i];
        if (look_up) ref = appender->Find(series[i], hashes[i], ref);
        batch.push_back(
            {ref,
             1'700'000'000'000 + static_cast<int64_t>(step) * 15000 + static_cast<int64_t>(i / 500),
             values[i]});
      }
      if (appender->AppendBatch(batch, &errors) != 2000) state.SkipWithError("refused");
      if (!appender->Commit().ok()) state.SkipWithError("commit");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(n));
  state.counters["wal_B_per_sample"] =
      static_cast<double>(db->wal()->written_bytes() - wal_before) /
      static_cast<double>(state.iterations() * static_cast<int64_t>(n));
  state.counters["anon_B_per_series"] =
      static_cast<double>(db->head()->Memory().total()) / static_cast<double>(n);
}
BENCHMARK(BM_Append)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(40);

void BM_Replay(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const auto steps = static_cast<size_t>(state.range(1));
  TempDir dir;
  {
    auto db = std::move(*Db::Open(dir.path(), BenchOptions()));
    std::mt19937_64 rng(1);
    std::vector<SeriesRef> refs(n);
    for (size_t step = 0; step < steps; step++) {
      for (size_t begin = 0; begin < n; begin += 2000) {
        auto appender = db->NewAppender({});
        for (size_t i = begin; i < std::min(n, begin + 2000); i++) {
          if (refs[i] == 0) {
            const Labels labels = FleetSeries(i);
            refs[i] = *appender->FindOrCreate(labels, labels.Hash(), 0);
          }
          (void)appender->Append(refs[i], 1'700'000'000'000 + static_cast<int64_t>(step) * 15000,
                                 FleetValue(i, step, rng), 0);
        }
        if (!appender->Commit().ok()) state.SkipWithError("commit");
      }
    }
    // As kill -9 would leave it: no checkpoint.
    (void)db->wal()->Close();
  }
  for (auto _ : state) {
    TempDir copy;
    (void)std::system(("cp -r " + dir.path() + "/. " + copy.path()).c_str());
    const auto begin = std::chrono::steady_clock::now();
    auto db = std::move(*Db::Open(copy.path(), BenchOptions()));
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    (void)db->wal()->Close();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(n * steps));
}
BENCHMARK(BM_Replay)
    ->Args({500'000, 4})
    ->Args({50'000, 960})
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(1);

void BM_XorEncode(benchmark::State& state) {
  std::mt19937_64 rng(1);
  std::vector<double> values;
  for (size_t i = 0; i < 120; i++) values.push_back(FleetValue(0, i, rng));
  XorWriter w;
  for (auto _ : state) {
    w.Clear();
    for (size_t i = 0; i < values.size(); i++) w.Append(static_cast<int64_t>(i) * 15000, values[i]);
    benchmark::DoNotOptimize(w.Finish());
  }
  state.SetItemsProcessed(state.iterations() * 120);
}
BENCHMARK(BM_XorEncode);

// One Db of 500 k series for all selections.
Db* SelectionDb() {
  static TempDir dir;
  static std::unique_ptr<Db> db = [] {
    auto opened = std::move(*Db::Open(dir.path(), BenchOptions()));
    for (int i = 0; i < bench::kPodSeries; i++) {
      const Labels labels = bench::PodSeries(i);
      (void)opened->head()->FindOrCreate(labels, labels.Hash());
    }
    return opened;
  }();
  return db.get();
}

void BM_ExactPostings(benchmark::State& state) {
  const HeadIndex& index = SelectionDb()->head()->index();
  int pod = 0;
  for (auto _ : state) {
    IndexValue value;
    pod = (pod + 7919) % bench::kPods;
    if (!index.FindValue("pod", bench::PodName(pod), &value)) std::abort();
    benchmark::DoNotOptimize(index.PostingsOf(value));
  }
}
BENCHMARK(BM_ExactPostings);

void BM_Select(benchmark::State& state) {
  const HeadIndex& index = SelectionDb()->head()->index();
  const auto selection = bench::PodSelections()[static_cast<size_t>(state.range(0))];
  size_t found = 0;
  for (auto _ : state) {
    found = SelectSeries(index, selection.matchers, nullptr)->size();
    benchmark::DoNotOptimize(found);
  }
  state.SetLabel(selection.name);
  state.counters["series"] = static_cast<double>(found);
}
BENCHMARK(BM_Select)->DenseRange(0, 4)->Unit(benchmark::kMicrosecond);

void BM_LabelValuesTenThousand(benchmark::State& state) {
  const HeadIndex& index = SelectionDb()->head()->index();
  bool truncated = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(SelectLabelValues(index, "pod", {}, 0, &truncated, nullptr));
  }
}
BENCHMARK(BM_LabelValuesTenThousand)->Unit(benchmark::kMicrosecond);

// The same with the strings copied out of the index, as the HTTP API takes them.
void BM_CopyTenThousandLabelValues(benchmark::State& state) {
  bool truncated = false;
  for (auto _ : state) {
    auto values =
        SelectLabelValues(SelectionDb()->head()->index(), "pod", {}, 0, &truncated, nullptr);
    benchmark::DoNotOptimize(values->Copy());
  }
}
BENCHMARK(BM_CopyTenThousandLabelValues)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace deucalion::tsdb

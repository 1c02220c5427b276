// The query engine by itself: storage is arrays in memory whose reading costs two memcpy, so what
// is measured is planning, evaluation and the result.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/worker_pool.h"
#include "promql/engine.h"
#include "promql/parser/parser.h"

namespace deucalion::promql {
namespace {

constexpr int64_t kScrapeMs = 15'000;
constexpr int64_t kHours = 26;
constexpr size_t kSamples = kHours * 3600'000 / kScrapeMs;
constexpr int64_t kEndMs = static_cast<int64_t>(kSamples - 1) * kScrapeMs;

// Metrics by name: cpu_total and mem (6,400 and 1,000 series), wide (200,000), wider (500,000),
// latency_bucket (100 histograms of 12 buckets).
class ArraySeries : public SeriesSet {
 public:
  ArraySeries(const std::vector<Labels>* labels, bool counter) : labels_(labels) {
    static const auto data = [] {
      std::vector<std::vector<double>> all(2 * 16, std::vector<double>(kSamples));
      for (size_t k = 0; k < all.size(); k++) {
        double v = 0;
        for (size_t i = 0; i < kSamples; i++) {
          v = k < 16 ? v + static_cast<double>((i * (k + 3)) % 11)
                     : std::max(0.0, 50.0 + k + (i % 7));
          if (k < 16 && i % 2000 == 1999) v = 0;
          all[k][i] = v;
        }
      }
      return all;
    }();
    static const auto times = [] {
      std::vector<int64_t> t(kSamples);
      for (size_t i = 0; i < kSamples; i++) t[i] = static_cast<int64_t>(i) * kScrapeMs;
      return t;
    }();
    data_ = data.data() + (counter ? 0 : 16);
    times_ = times.data();
  }
  size_t size() const override { return labels_->size(); }
  void LabelsOf(size_t i, Labels* out) const override { out->Assign((*labels_)[i]); }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    const auto begin =
        static_cast<size_t>(std::max<int64_t>(0, (min_ms + kScrapeMs - 1) / kScrapeMs));
    const auto end = std::min(kSamples, static_cast<size_t>(max_ms / kScrapeMs + 1));
    if (begin >= end) return OkStatus();
    const double* v = data_[i % 16].data();
    out->times.insert(out->times.end(), times_ + begin, times_ + end);
    out->values.insert(out->values.end(), v + begin, v + end);
    return OkStatus();
  }

 private:
  const std::vector<Labels>* labels_;
  const std::vector<double>* data_;
  const int64_t* times_;
};

class ArrayStorage : public Queryable, public Querier {
 public:
  ArrayStorage() {
    Fill(&cpu_, "cpu_total", 6400);
    Fill(&mem_, "mem", 1000);
    for (int i = 0; i < 100; i++) {
      for (int b = 0; b < 12; b++) {
        const std::string le = b == 11 ? "+Inf" : std::to_string(1 << b);
        buckets_.push_back(Labels{
            {"__name__", "latency_bucket"}, {"instance", "host-" + std::to_string(i)}, {"le", le}});
      }
    }
  }
  Result<std::unique_ptr<Querier>> NewQuerier(int64_t, int64_t) override {
    class Borrowed : public Querier {
     public:
      explicit Borrowed(ArrayStorage* s) : s_(s) {}
      Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& h,
                                                const std::vector<Matcher>& m,
                                                const CancelToken* c) override {
        return s_->Select(sorted, h, m, c);
      }
      Result<std::vector<std::string>> LabelValues(const std::string& n,
                                                   const std::vector<Matcher>& m, size_t l,
                                                   bool* t) override {
        return s_->LabelValues(n, m, l, t);
      }
      Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& m, size_t l,
                                                  bool* t) override {
        return s_->LabelNames(m, l, t);
      }
      uint64_t EstimateSeries(const std::vector<Matcher>& m) override {
        return s_->EstimateSeries(m);
      }
      ArrayStorage* s_;
    };
    return std::unique_ptr<Querier>(std::make_unique<Borrowed>(this));
  }
  Result<std::unique_ptr<SeriesSet>> Select(bool, const SelectHints&,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken*) override {
    const std::string& name = matchers.at(0).value();
    std::vector<Labels>* labels = &mem_;
    if (name == "cpu_total") labels = &cpu_;
    if (name == "latency_bucket") labels = &buckets_;
    if (name == "wide") labels = Lazy(&wide_, "wide", 200'000);
    if (name == "wider") labels = Lazy(&wider_, "wider", 500'000);
    const bool counter = name == "cpu_total" || name == "latency_bucket";
    return std::unique_ptr<SeriesSet>(std::make_unique<ArraySeries>(labels, counter));
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, const std::vector<Matcher>&,
                                               size_t, bool*) override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>&, size_t, bool*) override {
    return std::vector<std::string>();
  }
  uint64_t EstimateSeries(const std::vector<Matcher>&) override { return 0; }

 private:
  static void Fill(std::vector<Labels>* out, const char* name, int n) {
    constexpr const char* kModes[] = {"idle",    "iowait", "irq",    "nice",
                                      "softirq", "steal",  "system", "user"};
    for (int i = 0; i < n; i++) {
      out->push_back(Labels{{"__name__", name},
                            {"cpu", std::to_string(i / 8 % 8)},
                            {"instance", "host-" + std::to_string(i / 64) + ":9100"},
                            {"job", "node"},
                            {"mode", kModes[i % 8]}});
    }
  }
  static std::vector<Labels>* Lazy(std::vector<Labels>* v, const char* name, int n) {
    if (v->empty()) Fill(v, name, n);
    return v;
  }
  std::vector<Labels> cpu_, mem_, wide_, wider_, buckets_;
};

struct Case {
  const char* name;
  const char* query;
  int64_t range_ms;  // 0 = instant
  int64_t step_ms;
};

constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;
constexpr Case kCases[] = {
    {"InstantSingle", "mem{}", 0, 0},
    {"SumByRate_6400x41", "sum by (mode) (rate(cpu_total[5m]))", kHour, 90'000},
    {"SumRate_6400x41", "sum(rate(cpu_total[5m]))", kHour, 90'000},
    {"Count_200kx41", "count(wide)", 10 * kMinute, 15'000},
    {"SumBy_200kx41", "sum by (mode) (wide)", 10 * kMinute, 15'000},
    {"Raw_1000x1440", "mem", 24 * kHour, kMinute},
    {"Avg_1000x1440", "avg by (mode) (mem)", 24 * kHour, kMinute},
    {"SumByRate_1000x1440", "sum by (mode) (rate(cpu_total[5m]))", 24 * kHour, kMinute},
    {"MaxOverTime_1h", "max(max_over_time(mem[1h]))", 6 * kHour, kMinute},
    {"AvgOverTime_1h", "max(avg_over_time(mem[1h]))", 6 * kHour, kMinute},
    {"QuantileOverTime_10m", "max(quantile_over_time(0.9, mem[10m]))", 6 * kHour, kMinute},
    {"Deriv_10m", "max(deriv(mem[10m]))", 6 * kHour, kMinute},
    {"Topk", "topk(10, cpu_total)", kHour, 90'000},
    {"Quantile", "quantile by (mode) (0.9, cpu_total)", kHour, 90'000},
    {"Join", "cpu_total / on(instance, cpu, mode) cpu_total", kHour, 90'000},
    {"GroupLeft", "cpu_total * on(instance) group_left sum by (instance) (cpu_total)", kHour,
     90'000},
    {"And", "cpu_total and on(instance) mem", kHour, 90'000},
    {"HistogramQuantile", "histogram_quantile(0.9, sum by (le) (rate(latency_bucket[5m])))", kHour,
     15'000},
    {"HistogramQuantileEach", "histogram_quantile(0.9, rate(latency_bucket[5m]))", kHour, 15'000},
    {"Subquery", "max_over_time(sum(rate(cpu_total[5m]))[1h:1m])", 0, 0},
    {"Arithmetic", "abs(mem * 2 + 1) > 10", 24 * kHour, kMinute},
    {"Aggregate_500kx500", "sum by (mode) (wider)", 500 * kMinute, kMinute},
};

ArrayStorage& Storage() {
  static ArrayStorage storage;
  return storage;
}

void RunCase(benchmark::State& state, const Case& c, WorkerPool* pool) {
  EngineOptions options;
  options.pool = pool;
  options.max_samples = 500'000'000;
  options.max_query_bytes = uint64_t{4} << 30;
  Engine engine(options);
  uint64_t peak = 0;
  for (auto _ : state) {
    const QueryResult result =
        c.range_ms == 0 ? engine.Instant(Storage(), c.query, kEndMs)
                        : engine.Range(Storage(), c.query, kEndMs - c.range_ms, kEndMs, c.step_ms);
    if (!result.status.ok()) state.SkipWithError(result.status.message().c_str());
    peak = result.stats.peak_bytes;
    benchmark::DoNotOptimize(&result);
  }
  state.counters["peak_KiB"] = static_cast<double>(peak >> 10);
}

void Parse_Dashboard(benchmark::State& state) {
  constexpr const char* kQuery =
      "sum by (instance) (rate(node_cpu_seconds_total{job=\"node\",mode!=\"idle\"}[5m])) / "
      "on(instance) group_left count by (instance) (node_cpu_seconds_total{mode=\"idle\"}) * 100";
  for (auto _ : state) benchmark::DoNotOptimize(Parse(kQuery).ok());
}
BENCHMARK(Parse_Dashboard);

}  // namespace
}  // namespace deucalion::promql

int main(int argc, char** argv) {
  using namespace deucalion::promql;
  deucalion::WorkerPool pool("query", 2);
  for (const Case& c : kCases) {
    benchmark::RegisterBenchmark((std::string(c.name) + "/alone").c_str(),
                                 [&c](benchmark::State& s) { RunCase(s, c, nullptr); })
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((std::string(c.name) + "/pool").c_str(),
                                 [&c, &pool](benchmark::State& s) { RunCase(s, c, &pool); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

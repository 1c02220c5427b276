// Series for tests of blocks: labels and samples by label order, from a seed.
#ifndef DEUCALION_TESTS_TSDB_BLOCK_BLOCK_FIXTURE_H_
#define DEUCALION_TESTS_TSDB_BLOCK_BLOCK_FIXTURE_H_

#include <cmath>
#include <map>
#include <random>
#include <string>

#include "model/labels.h"
#include "model/value.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

using SeriesMap = std::map<Labels, SampleColumns>;

// Counters, gauges, constants, histograms, stale markers; some series begin late or end early.
inline SeriesMap RandomSeries(uint64_t seed, size_t count, int64_t min_ms, int64_t max_ms,
                              int64_t step_ms = 15'000) {
  std::mt19937_64 rng(seed);
  SeriesMap all;
  while (all.size() < count) {
    const uint64_t target = rng() % 20;
    LabelsBuilder labels;
    labels.Set("__name__", "metric_" + std::to_string(rng() % 30));
    labels.Set("instance", "host-" + std::to_string(target) + ":9100");
    labels.Set("job", target < 10 ? "node" : "app");
    if (rng() % 2) labels.Set("mode", std::to_string(rng() % 8));
    if (rng() % 50 == 0) labels.Set("long", std::string(300, 'x') + std::to_string(rng() % 5));
    SampleColumns samples;
    std::mt19937_64 jitter(target);  // the series of a target share their times
    const uint64_t kind = rng() % 6;
    const int64_t begin = rng() % 5 ? min_ms : min_ms + static_cast<int64_t>(rng() % 3'600'000);
    double x = static_cast<double>(rng() % 1000);
    HistogramPoint h;
    h.integer = true;
    h.histogram.positive_spans = {{0, 3}};
    h.histogram.positive_buckets = {1, 2, 3};
    for (int64_t t = min_ms + static_cast<int64_t>(target) * 100; t + 3 < max_ms; t += step_ms) {
      const int64_t at = t + static_cast<int64_t>(target % 2 ? jitter() % 3 : 0);
      if (at < begin) continue;
      if (kind == 5) {
        h.time_ms = at;
        h.histogram.count += 1;
        h.histogram.sum += 0.25;
        h.histogram.positive_buckets[rng() % 3] += 1;
        samples.histograms.push_back(h);
        continue;
      }
      if (kind == 1) x += static_cast<double>(rng() % 50);
      if (kind == 2) x = static_cast<double>(rng() % 1000) / 10;
      if (kind == 3) x = std::ldexp(static_cast<double>(rng()), -64);
      if (kind == 4 && rng() % 100 == 0) x = 0;
      samples.times.push_back(at);
      samples.values.push_back(rng() % 200 == 0 ? StaleNan() : x);
    }
    if (!samples.times.empty() || !samples.histograms.empty()) all[labels.Build()] = samples;
  }
  return all;
}

inline Result<BlockMeta> WriteBlock(FileSystem* fs, const std::string& dir, const SeriesMap& series,
                                    int64_t min_ms, int64_t max_ms, bool summaries = false) {
  BlockMeta meta;
  meta.ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  meta.min_ms = min_ms;
  meta.max_ms = max_ms;
  meta.sources = {meta.ulid};
  BlockWriterOptions options;
  options.summaries = summaries;
  ASSIGN_OR_RETURN(auto writer, BlockWriter::Create(fs, dir, meta, options));
  for (const auto& [labels, samples] : series) RETURN_IF_ERROR(writer->Add(labels, samples));
  return writer->Finish();
}

inline bool SameSamples(const SampleColumns& a, const SampleColumns& b) {
  if (a.times != b.times || a.histograms.size() != b.histograms.size()) return false;
  for (size_t i = 0; i < a.values.size(); ++i) {
    if (std::bit_cast<uint64_t>(a.values[i]) != std::bit_cast<uint64_t>(b.values[i])) return false;
  }
  for (size_t i = 0; i < a.histograms.size(); ++i) {
    if (a.histograms[i].time_ms != b.histograms[i].time_ms ||
        a.histograms[i].integer != b.histograms[i].integer ||
        !a.histograms[i].histogram.Equals(b.histograms[i].histogram)) {
      return false;
    }
  }
  return true;
}

// What of `samples` lies within [min_ms, max_ms].
inline SampleColumns Within(const SampleColumns& samples, int64_t min_ms, int64_t max_ms) {
  SampleColumns out;
  for (size_t i = 0; i < samples.times.size(); ++i) {
    if (samples.times[i] < min_ms || samples.times[i] > max_ms) continue;
    out.times.push_back(samples.times[i]);
    out.values.push_back(samples.values[i]);
  }
  for (const HistogramPoint& p : samples.histograms) {
    if (p.time_ms >= min_ms && p.time_ms <= max_ms) out.histograms.push_back(p);
  }
  return out;
}

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_BLOCK_BLOCK_FIXTURE_H_

// Entries for tests of Prometheus's logs.
#ifndef DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_SAMPLES_H_
#define DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_SAMPLES_H_

#include "tests/tsdb/interop/prometheus_log_writer.h"

namespace deucalion::tsdb {

// Grows with `n`, so that it is a counter.
inline RecordedHistogram IntegerAt(uint64_t ref, int64_t time_ms, uint64_t n, int64_t st_ms = 0) {
  RecordedHistogram r{.ref = ref, .time_ms = time_ms, .st_ms = st_ms};
  r.integer.schema = 2;
  r.integer.zero_threshold = 0.001;
  r.integer.zero_count = n;
  r.integer.count = n + 3 * n + 1;
  r.integer.sum = 1.5 * static_cast<double>(n);
  r.integer.positive_spans = {{-2, 1}, {3, 2}};
  r.integer.positive_buckets = {static_cast<int64_t>(n), 0, 0};  // n each
  r.integer.negative_spans = {{1, 1}};
  r.integer.negative_buckets = {1};
  return r;
}

inline RecordedHistogram FloatAt(uint64_t ref, int64_t time_ms, double n, int64_t st_ms = 0) {
  RecordedHistogram r{.ref = ref, .time_ms = time_ms, .st_ms = st_ms, .is_float = true};
  r.floating.schema = -1;
  r.floating.zero_threshold = 0.5;
  r.floating.zero_count = n / 2;
  r.floating.count = n / 2 + 2 * n;
  r.floating.sum = -n;
  r.floating.positive_spans = {{0, 2}};
  r.floating.positive_buckets = {n, n};
  return r;
}

inline RecordedHistogram CustomAt(uint64_t ref, int64_t time_ms, uint64_t n, bool is_float) {
  RecordedHistogram r{.ref = ref, .time_ms = time_ms, .is_float = is_float};
  r.integer.schema = r.floating.schema = kCustomBucketsSchema;
  r.integer.custom_values = r.floating.custom_values = {0.1, 1, 10};
  r.integer.positive_spans = r.floating.positive_spans = {{0, 2}, {1, 1}};
  r.integer.count = 3 * n;
  r.integer.sum = r.floating.sum = static_cast<double>(n);
  r.floating.count = static_cast<double>(3 * n);
  r.integer.positive_buckets = {static_cast<int64_t>(n), 0, 0};
  r.floating.positive_buckets.assign(3, static_cast<double>(n));
  if (is_float) {
    r.integer = {};
  } else {
    r.floating = {};
  }
  return r;
}

// What a query sees of it.
inline FloatHistogram Seen(const RecordedHistogram& r) {
  return r.is_float ? r.floating : r.integer.ToFloat();
}

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_SAMPLES_H_

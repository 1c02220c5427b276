// What tests of the Db share: opening, appending, dumping all series as text, comparing with a map.
#ifndef DEUCALION_TESTS_TSDB_DB_DB_SUPPORT_H_
#define DEUCALION_TESTS_TSDB_DB_DB_SUPPORT_H_

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <memory>
#include <string>

#include "model/value.h"
#include "tsdb/db/db.h"

namespace deucalion::tsdb {

inline std::unique_ptr<Db> OpenDb(const std::string& path, DbOptions options = {}) {
  options.durability = wal::Durability::kOs;
  options.chunk_file_bytes = 1 << 20;
  options.background = false;
  auto db = Db::Open(path, std::move(options));
  EXPECT_TRUE(db.ok()) << db.status().ToString();
  return db.ok() ? std::move(*db) : nullptr;
}

inline SeriesRef Ref(Appender* appender, const Labels& series) {
  auto ref = appender->FindOrCreate(series, series.Hash(), 0);
  EXPECT_TRUE(ref.ok()) << ref.status().ToString();
  return ref.ok() ? *ref : 0;
}

inline Status AppendOne(Storage* db, const Labels& series, int64_t time_ms, double value) {
  auto appender = db->NewAppender({});
  RETURN_IF_ERROR(appender->Append(Ref(appender.get(), series), time_ms, value, 0));
  return appender->Commit();
}

using SampleMap = std::map<Labels, std::map<int64_t, uint64_t>>;

// Every float sample, by series.
inline SampleMap ReadAll(Queryable* db, int64_t min_ms = kMinTimeMs, int64_t max_ms = kMaxTimeMs) {
  SampleMap all;
  auto querier = db->NewQuerier(min_ms, max_ms);
  EXPECT_TRUE(querier.ok());
  auto set = (*querier)->Select(true, {.min_ms = min_ms, .max_ms = max_ms}, {}, nullptr);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  Labels labels;
  Labels previous;
  for (size_t i = 0; i < (*set)->size(); i++) {
    (*set)->LabelsOf(i, &labels);
    EXPECT_TRUE(i == 0 || previous < labels) << "series out of order";
    previous = labels;
    SampleColumns columns;
    const Status status = (*set)->Read(i, min_ms, max_ms, &columns);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(columns.times.size(), columns.values.size());
    for (size_t k = 0; k < columns.times.size(); k++) {
      EXPECT_TRUE(k == 0 || columns.times[k - 1] < columns.times[k]);
      all[labels][columns.times[k]] = std::bit_cast<uint64_t>(columns.values[k]);
    }
  }
  return all;
}

inline std::string Dump(Queryable* db) {
  std::string out;
  for (const auto& [labels, samples] : ReadAll(db)) {
    out += labels.ToString();
    for (const auto& [t, bits] : samples) {
      out += " " + FormatFloatG(std::bit_cast<double>(bits)) + "@" + std::to_string(t);
    }
    out += "\n";
  }
  return out;
}

// Floats, integer histograms ("i") and float histograms ("f") by their sums, in time order, with
// start timestamps behind a slash: "m 1@1000 i2@2000/500 f3@3000\n".
inline std::string DumpKinds(Queryable* db, int64_t min_ms = kMinTimeMs,
                             int64_t max_ms = kMaxTimeMs) {
  std::string out;
  auto querier = db->NewQuerier(min_ms, max_ms);
  EXPECT_TRUE(querier.ok());
  auto set = (*querier)->Select(true, {.min_ms = min_ms, .max_ms = max_ms}, {}, nullptr);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  const auto with_start = [](int64_t t, int64_t st_ms) {
    return "@" + std::to_string(t) + (st_ms == 0 ? "" : "/" + std::to_string(st_ms));
  };
  for (size_t i = 0; i < (*set)->size(); i++) {
    Labels labels;
    SampleColumns c;
    (*set)->LabelsOf(i, &labels);
    const Status status = (*set)->Read(i, min_ms, max_ms, &c);
    EXPECT_TRUE(status.ok()) << status.ToString();
    std::multimap<int64_t, std::string> samples;
    for (size_t k = 0; k < c.times.size(); k++) {
      const int64_t st_ms = c.start_times.empty() ? 0 : c.start_times[k];
      samples.emplace(c.times[k], FormatFloatG(c.values[k]) + with_start(c.times[k], st_ms));
    }
    for (const HistogramPoint& h : c.histograms) {
      samples.emplace(h.time_ms, (h.integer ? "i" : "f") + FormatFloatG(h.histogram.sum) +
                                     with_start(h.time_ms, h.st_ms));
    }
    out += labels.ToString();
    for (const auto& sample : samples) out += " " + sample.second;
    out += "\n";
  }
  return out;
}

// A histogram that is told from others by its sum.
inline IntHistogram Histogram(double sum) {
  IntHistogram h;
  h.count = 3;
  h.sum = sum;
  h.schema = 1;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {2, -1};
  return h;
}

inline void ExpectModel(Queryable* db, const SampleMap& model, const std::string& what) {
  const SampleMap got = ReadAll(db);
  ASSERT_EQ(got.size(), model.size()) << what;
  for (const auto& [series, samples] : model) {
    const auto it = got.find(series);
    ASSERT_NE(it, got.end()) << what << ": no " << series.ToString();
    ASSERT_EQ(it->second, samples) << what << ": " << series.ToString();
  }
}

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_DB_DB_SUPPORT_H_

// Series that hold floats and histograms of both kinds: within one commit, late, overtaken, and
// over restarts with and without a checkpoint.
#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3600'000;
const Labels kSeries{{"__name__", "m"}};

enum class Exit { kKill, kClean };

class DbKindsTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() { db_ = OpenDb(dir_.path(), options_); }
  void Reopen(Exit exit) {
    if (exit == Exit::kKill) (void)db_->wal()->Close();
    db_.reset();
    Open();
  }
  // The same before and after restarts of both kinds.
  void ExpectForGood(const std::string& want) {
    EXPECT_EQ(DumpKinds(db_.get()), want) << "live";
    Reopen(Exit::kKill);
    EXPECT_EQ(DumpKinds(db_.get()), want) << "after kill -9";
    ASSERT_TRUE(db_->Checkpoint().ok());
    EXPECT_EQ(DumpKinds(db_.get()), want) << "after a checkpoint";
    Reopen(Exit::kKill);
    EXPECT_EQ(DumpKinds(db_.get()), want) << "after kill -9 behind a checkpoint";
    Reopen(Exit::kClean);
    EXPECT_EQ(DumpKinds(db_.get()), want) << "after a clean exit";
  }
  Status AppendHistogram(int64_t time_ms, const IntHistogram& h, int64_t st_ms = 0) {
    auto appender = db_->NewAppender({});
    RETURN_IF_ERROR(appender->AppendHistogram(Ref(appender.get(), kSeries), time_ms, h, st_ms));
    return appender->Commit();
  }
  Status AppendFloatHistogram(int64_t time_ms, const FloatHistogram& h) {
    auto appender = db_->NewAppender({});
    RETURN_IF_ERROR(appender->AppendFloatHistogram(Ref(appender.get(), kSeries), time_ms, h, 0));
    return appender->Commit();
  }
  uint64_t Refused() const {
    const HeadCounters& c = db_->head()->counters();
    uint64_t total = 0;
    for (const int kind : {0, 1}) {
      total += c.out_of_order[kind] + c.out_of_bounds[kind] + c.too_old[kind];
    }
    return total;
  }

  TempDir dir_;
  DbOptions options_;
  std::unique_ptr<Db> db_;
};

TEST_F(DbKindsTest, AHistogramBeforeAFloatInOneCommitIsKept) {
  auto appender = db_->NewAppender({});
  const SeriesRef ref = Ref(appender.get(), kSeries);
  ASSERT_TRUE(appender->AppendHistogram(ref, 1000, Histogram(1), 0).ok());
  ASSERT_TRUE(appender->Append(ref, 2000, 2, 0).ok());
  ASSERT_TRUE(appender->AppendFloatHistogram(ref, 3000, Histogram(3).ToFloat(), 0).ok());
  ASSERT_TRUE(appender->AppendHistogram(ref, 4000, Histogram(4), 0).ok());
  ASSERT_TRUE(appender->Append(ref, 5000, 5, 0).ok());
  ASSERT_TRUE(appender->Append(ref, 6000, 6, 0).ok());
  ASSERT_TRUE(appender->Commit().ok());
  EXPECT_EQ(Refused(), 0u);
  ExpectForGood("m i1@1000 2@2000 f3@3000 i4@4000 5@5000 6@6000\n");
}

TEST_F(DbKindsTest, ManySeriesSwitchKindsInOneCommit) {
  std::string want;
  auto appender = db_->NewAppender({});
  // Sample by sample over all series, so that batches cut through all of them.
  for (int t = 1; t <= 12; t++) {
    for (int i = 10; i < 40; i++) {
      const SeriesRef ref =
          Ref(appender.get(), Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
      switch ((t + i) % 3) {
        case 0:
          ASSERT_TRUE(appender->Append(ref, t * 1000, t, 0).ok());
          break;
        case 1:
          ASSERT_TRUE(appender->AppendHistogram(ref, t * 1000, Histogram(t), 0).ok());
          break;
        default:
          ASSERT_TRUE(
              appender->AppendFloatHistogram(ref, t * 1000, Histogram(t).ToFloat(), 0).ok());
      }
    }
  }
  for (int i = 10; i < 40; i++) {
    want += "m{i=\"" + std::to_string(i) + "\"}";
    for (int t = 1; t <= 12; t++) {
      want += std::string(" ") + std::array{"", "i", "f"}[static_cast<size_t>((t + i) % 3)] +
              std::to_string(t) + "@" + std::to_string(t * 1000);
    }
    want += "\n";
  }
  ASSERT_TRUE(appender->Commit().ok());
  EXPECT_EQ(Refused(), 0u);
  ExpectForGood(want);
}

TEST_F(DbKindsTest, HistogramsThatChangeTheirLayoutAreKept) {
  std::string want = "m";
  auto appender = db_->NewAppender({});
  const SeriesRef ref = Ref(appender.get(), kSeries);
  for (int t = 1; t <= 150; t++) {
    IntHistogram h = Histogram(t);
    h.schema = t % 4;
    if (t % 5 == 0) {
      h.schema = kCustomBucketsSchema;
      h.custom_values = {1, 2, static_cast<double>(2 + t)};
    }
    if (t % 7 == 0) {
      h.negative_spans = {{t, 1}};
      h.negative_buckets = {4};
      h.count += 4;
      if (h.schema == kCustomBucketsSchema) continue;
    }
    ASSERT_TRUE(appender->AppendHistogram(ref, t * 1000, h, t % 3 * 100).ok()) << t;
    want += " i" + std::to_string(t) + "@" + std::to_string(t * 1000);
    if (t % 3 != 0) want += "/" + std::to_string(t % 3 * 100);
  }
  ASSERT_TRUE(appender->Commit().ok());
  ExpectForGood(want + "\n");
}

TEST_F(DbKindsTest, EachSampleKeepsItsOwnStartTimestampOrNone) {
  options_.settings.out_of_order_window_ms = kHour;
  Reopen(Exit::kClean);
  auto appender = db_->NewAppender({});
  const SeriesRef ref = Ref(appender.get(), kSeries);
  ASSERT_TRUE(appender->Append(ref, 1000, 1, 500).ok());
  ASSERT_TRUE(appender->Append(ref, 2000, 2, 0).ok());
  ASSERT_TRUE(appender->Append(ref, 3000, 3, 500).ok());
  ASSERT_TRUE(appender->Append(ref, 9000, 9, 8000).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender = db_->NewAppender({});
  ASSERT_TRUE(appender->Append(ref, 10'000, 10, 0).ok());
  ASSERT_TRUE(appender->Append(ref, 4000, 4, 3500).ok());
  ASSERT_TRUE(appender->Append(ref, 5000, 5, 0).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender.reset();
  ExpectForGood("m 1@1000/500 2@2000 3@3000/500 4@4000/3500 5@5000 9@9000/8000 10@10000\n");
}

TEST_F(DbKindsTest, DisorderWithinACommitIsKeptInsideTheWindowAndCountedOutsideOfIt) {
  for (const bool window : {true, false}) {
    options_.settings.out_of_order_window_ms = window ? kHour : 0;
    Reopen(Exit::kClean);
    auto appender = db_->NewAppender({});
    const Labels series{{"__name__", "m"}, {"window", window ? "1" : "0"}};
    const SeriesRef ref = Ref(appender.get(), series);
    ASSERT_TRUE(appender->Append(ref, 3000, 3, 0).ok());
    ASSERT_TRUE(appender->Append(ref, 1000, 1, 0).ok());
    ASSERT_TRUE(appender->AppendHistogram(ref, 2000, Histogram(2), 0).ok());
    ASSERT_TRUE(appender->Commit().ok());
    EXPECT_EQ(Refused(), window ? 0u : 2u);
  }
  ExpectForGood("m{window=\"0\"} 3@3000\nm{window=\"1\"} 1@1000 i2@2000 3@3000\n");
}

TEST_F(DbKindsTest, WhatAnotherAppenderOvertookIsKeptWhateverTheWindow) {
  auto first = db_->NewAppender({});
  const SeriesRef ref = Ref(first.get(), kSeries);
  auto second = db_->NewAppender({});
  ASSERT_TRUE(first->Append(ref, 1000, 1, 700).ok());
  ASSERT_TRUE(first->AppendHistogram(ref, 2000, Histogram(2), 0).ok());
  ASSERT_TRUE(second->Append(ref, 3000, 3, 0).ok());
  ASSERT_TRUE(second->Commit().ok());
  ASSERT_TRUE(first->Commit().ok());
  first.reset();
  second.reset();
  EXPECT_EQ(Refused(), 0u);
  EXPECT_EQ(DumpKinds(db_.get()), "m 1@1000/700 i2@2000 3@3000\n");
  ExpectForGood("m 1@1000/700 i2@2000 3@3000\n");
}

// A commit over two streams that fails in the second leaves its part in the first one.
TEST_F(DbKindsTest, PartsOfFailedCommitsDoNotOvertakeWhatWasAcknowledged) {
  FaultFileSystem fs(FileSystem::Posix());
  options_.fs = &fs;
  options_.wal_streams = 2;
  Reopen(Exit::kClean);
  // Two series in different streams.
  std::vector<Labels> series;
  auto appender = db_->NewAppender({});
  for (int i = 0; series.size() < 2; i++) {
    const Labels labels{{"__name__", "m"}, {"i", std::to_string(i)}};
    const SeriesRef ref = Ref(appender.get(), labels);
    const bool odd = (ref >> 32) % 2 == 1;
    if (odd == (series.size() == 1)) series.push_back(labels);
  }
  appender.reset();
  for (const Labels& labels : series) ASSERT_TRUE(AppendOne(db_.get(), labels, 1000, 1).ok());
  fs.SetPlan({.fail_at = 1, .path_contains = "/1-"});
  appender = db_->NewAppender({});
  for (const Labels& labels : series) {
    ASSERT_TRUE(appender->Append(Ref(appender.get(), labels), 9000, 9, 0).ok());
  }
  ASSERT_FALSE(appender->Commit().ok());
  appender.reset();
  fs.Clear();
  ASSERT_TRUE(AppendOne(db_.get(), series[0], 2000, 2).ok());
  appender = db_->NewAppender({});
  ASSERT_TRUE(
      appender->AppendHistogram(Ref(appender.get(), series[0]), 3000, Histogram(3), 0).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender.reset();
  const std::string acknowledged = " 1@1000 2@2000 i3@3000";
  EXPECT_NE(DumpKinds(db_.get()).find(acknowledged), std::string::npos);
  Reopen(Exit::kKill);
  EXPECT_NE(DumpKinds(db_.get()).find(acknowledged), std::string::npos) << DumpKinds(db_.get());
  db_.reset();
}

TEST_F(DbKindsTest, ASeriesThatBeganWithAnExemplarKeepsItsLaterSamples) {
  auto appender = db_->NewAppender({});
  SeriesRef ref = Ref(appender.get(), kSeries);
  ASSERT_TRUE(
      appender
          ->AppendExemplar(
              ref, {.labels = Labels{{"trace", "1"}}, .value = 3, .time_ms = 500, .has_time = true})
          .ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender.reset();
  // Drops the segment that carries the labels.
  ASSERT_TRUE(db_->Checkpoint().ok());
  ASSERT_TRUE(db_->Checkpoint().ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 1000, 1).ok());
  Reopen(Exit::kKill);
  EXPECT_EQ(db_->replay_stats().unknown_ids, 0u);
  EXPECT_EQ(DumpKinds(db_.get()), "m 1@1000\n");
}

TEST_F(DbKindsTest, RefusesHistogramsInThePrometheusWay) {
  ASSERT_TRUE(AppendHistogram(10 * kHour, Histogram(1)).ok());
  EXPECT_TRUE(AppendHistogram(10 * kHour, Histogram(1)).ok());
  const auto expect = [](const Status& status, StatusCode code, std::string_view message) {
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.ok() ? "" : status.message(), message);
  };
  expect(AppendHistogram(10 * kHour, Histogram(2)), StatusCode::kDuplicateSample,
         "duplicate sample for timestamp");
  expect(AppendFloatHistogram(10 * kHour, Histogram(1).ToFloat()), StatusCode::kDuplicateSample,
         "duplicate sample for timestamp");
  expect(AppendOne(db_.get(), kSeries, 10 * kHour, 7), StatusCode::kDuplicateSample,
         "duplicate sample for timestamp 36000000; overrides not allowed: existing is a histogram, "
         "new value 7");
  expect(AppendHistogram(10 * kHour - 1, Histogram(2)), StatusCode::kOutOfOrder,
         "out of order sample");
  expect(AppendHistogram(9 * kHour - 1, Histogram(2)), StatusCode::kOutOfBounds, "out of bounds");
  EXPECT_EQ(db_->head()->counters().out_of_order[1], 1u);
  EXPECT_EQ(db_->head()->counters().out_of_bounds[1], 1u);
  StorageSettings settings;
  settings.out_of_order_window_ms = kHour;
  ASSERT_TRUE(db_->Apply(settings).ok());
  expect(AppendHistogram(9 * kHour - 1, Histogram(2)), StatusCode::kTooOld, "too old sample");
  EXPECT_EQ(db_->head()->counters().too_old[1], 1u);
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 11 * kHour, 5).ok());
  expect(AppendHistogram(11 * kHour, Histogram(2)), StatusCode::kDuplicateSample,
         "duplicate sample for timestamp");
  EXPECT_EQ(DumpKinds(db_.get()), "m i1@36000000 5@39600000\n");
}

TEST_F(DbKindsTest, TheWindowOpensAndClosesWithAReload) {
  StorageSettings open, closed;
  open.out_of_order_window_ms = kHour;
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 10 * kHour, 1).ok());
  EXPECT_EQ(AppendOne(db_.get(), kSeries, 10 * kHour - 60'000, 2).code(), StatusCode::kOutOfOrder);
  ASSERT_TRUE(db_->Apply(open).ok());
  EXPECT_TRUE(AppendOne(db_.get(), kSeries, 10 * kHour - 60'000, 3).ok());
  EXPECT_TRUE(AppendHistogram(10 * kHour - 120'000, Histogram(4), 5).ok());
  EXPECT_TRUE(AppendFloatHistogram(9 * kHour, Histogram(5).ToFloat()).ok());
  EXPECT_EQ(AppendOne(db_.get(), kSeries, 9 * kHour - 1, 6).code(), StatusCode::kTooOld);
  {
    auto rules = db_->NewAppender({.discard_out_of_order = true});
    const SeriesRef ref = Ref(rules.get(), kSeries);
    EXPECT_EQ(rules->Append(ref, 10 * kHour - 30'000, 7, 0).code(), StatusCode::kOutOfOrder);
    EXPECT_EQ(rules->AppendHistogram(ref, 10 * kHour - 30'000, Histogram(7), 0).code(),
              StatusCode::kOutOfOrder);
  }
  ASSERT_TRUE(db_->Apply(closed).ok());
  EXPECT_EQ(AppendOne(db_.get(), kSeries, 10 * kHour - 30'000, 8).code(), StatusCode::kOutOfOrder);
  EXPECT_EQ(AppendOne(db_.get(), kSeries, 8 * kHour, 8).code(), StatusCode::kOutOfBounds);
  ExpectForGood("m f5@32400000 i4@35880000/5 3@35940000 1@36000000\n");
}

TEST_F(DbKindsTest, AtOneTimeTheFirstSampleStays) {
  StorageSettings open;
  open.out_of_order_window_ms = kHour;
  ASSERT_TRUE(db_->Apply(open).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, kHour, 1).ok());
  ASSERT_TRUE(AppendHistogram(kHour + 1000, Histogram(2)).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, kHour + 9000, 3).ok());
  // Late, where there are in-order ones, and where there are late ones.
  for (const int64_t t : {kHour, kHour + 1000, kHour + 4000, kHour + 4000}) {
    ASSERT_TRUE(AppendOne(db_.get(), kSeries, t, 4).ok());
    ASSERT_TRUE(AppendHistogram(t, Histogram(5)).ok());
  }
  ExpectForGood("m 1@3600000 i2@3601000 4@3604000 3@3609000\n");
}

TEST_F(DbKindsTest, AStaleMarkerEndsASeriesOfHistogramsAsOne) {
  ASSERT_TRUE(AppendHistogram(1000, Histogram(1)).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 2000, StaleNan()).ok());
  ASSERT_TRUE(AppendFloatHistogram(3000, Histogram(3).ToFloat()).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 4000, StaleNan()).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 5000, 5).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, 6000, StaleNan()).ok());
  ASSERT_TRUE(AppendHistogram(7000, Histogram(7)).ok());
  auto querier = db_->NewQuerier(0, 10'000);
  auto set = (*querier)->Select(true, {.max_ms = 10'000}, {}, nullptr);
  SampleColumns columns;
  ASSERT_TRUE((*set)->Read(0, 0, 10'000, &columns).ok());
  ASSERT_EQ(columns.histograms.size(), 5u);
  EXPECT_TRUE(IsStaleNan(columns.histograms[1].histogram.sum));
  EXPECT_TRUE(columns.histograms[1].integer);
  EXPECT_TRUE(IsStaleNan(columns.histograms[3].histogram.sum));
  EXPECT_FALSE(columns.histograms[3].integer);
  set->reset();
  querier->reset();
  ExpectForGood("m i1@1000 iNaN@2000 f3@3000 fNaN@4000 5@5000 NaN@6000 i7@7000\n");
}

TEST_F(DbKindsTest, LateHistogramsGoIntoBlocksWithTheCut) {
  options_.settings.out_of_order_window_ms = 12 * kHour;
  Reopen(Exit::kClean);
  constexpr int64_t kStart = 1'700'006'400'000;
  std::map<int64_t, std::string> want;
  for (int i = 0; i < 7 * 60; i++) {
    const int64_t t = kStart + i * 60'000;
    ASSERT_TRUE(AppendOne(db_.get(), kSeries, t, i).ok());
    want[t] = std::to_string(i);
    if (i % 40 != 39) continue;
    const int64_t late = t - i / 2 * 60'000 - 500;
    ASSERT_TRUE(AppendHistogram(late, Histogram(i), late - 100).ok());
    want[late] = "i" + std::to_string(i);
    if (i == 239) {
      ASSERT_TRUE(db_->MaintainHead().ok());
      Reopen(Exit::kKill);
    }
  }
  const auto text = [&] {
    std::string all = "m";
    for (const auto& [t, v] : want) {
      all += " " + v + "@" + std::to_string(t);
      if (v[0] == 'i') all += "/" + std::to_string(t - 100);
    }
    return all + "\n";
  };
  EXPECT_EQ(DumpKinds(db_.get()), text());
  ASSERT_TRUE(db_->MaintainHead().ok());
  ASSERT_TRUE(db_->CutHead().ok());
  EXPECT_EQ(db_->head()->late_samples(), 0u);
  EXPECT_FALSE(db_->Blocks().empty());
  EXPECT_EQ(DumpKinds(db_.get()), text());
  for (;;) {
    const auto more = db_->MaintainBlocks(nullptr, {});
    ASSERT_TRUE(more.ok()) << more.status().ToString();
    if (!*more) break;
  }
  EXPECT_EQ(DumpKinds(db_.get()), text());
  Reopen(Exit::kKill);
  EXPECT_EQ(DumpKinds(db_.get()), text());
}

TEST_F(DbKindsTest, LateSamplesAboveTheFloorAreFlushedWithoutACut) {
  options_.settings.out_of_order_window_ms = 12 * kHour;
  Reopen(Exit::kClean);
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, kHour, 1).ok());
  ASSERT_TRUE(AppendOne(db_.get(), kSeries, kHour - 1000, 2).ok());
  ASSERT_TRUE(AppendHistogram(kHour - 500, Histogram(3)).ok());
  ASSERT_TRUE(db_->CutHead().ok());
  EXPECT_EQ(db_->head()->late_samples(), 0u);
  ASSERT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].samples, 2u);
  ExpectForGood("m 2@3599000 i3@3599500 1@3600000\n");
}

}  // namespace
}  // namespace deucalion::tsdb

#include "tsdb/db/db.h"

#include <bit>
#include <random>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

TEST(DbTest, AnswersWhatWasCommittedAndForgetsWhatWasRolledBack) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  auto appender = db->NewAppender({});
  const Labels series{{"__name__", "up"}, {"job", "a"}};
  const SeriesRef ref = Ref(appender.get(), series);
  ASSERT_TRUE(appender->Append(ref, 1000, 1, 0).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender = db->NewAppender({});
  ASSERT_TRUE(appender->Append(ref, 2000, 2, 0).ok());
  ASSERT_TRUE(appender->Rollback().ok());
  EXPECT_EQ(Dump(db.get()), "up{job=\"a\"} 1@1000\n");
}

// One meaning for the head alone, for blocks and for both.
TEST(DbTest, HintsThatNameNoRangeLeaveTheQueriersRange) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  const int64_t hour = 3600'000;
  const int64_t t0 = 1'700'006'400'000;  // a multiple of two hours
  const auto count = [&](const SelectHints& hints) {
    auto querier = db->NewQuerier(t0, t0 + 10 * hour);
    EXPECT_TRUE(querier.ok());
    auto set = (*querier)->Select(true, hints, {}, nullptr);
    EXPECT_TRUE(set.ok());
    return (*set)->size();
  };
  ASSERT_TRUE(AppendOne(db.get(), Labels{{"__name__", "old"}}, t0, 1).ok());
  EXPECT_EQ(count({}), 1u) << "the head alone";
  EXPECT_EQ(count({.min_ms = t0 + 1, .max_ms = t0 + hour}), 0u);
  EXPECT_EQ(count({.min_ms = t0, .max_ms = t0}), 1u);
  ASSERT_TRUE(AppendOne(db.get(), Labels{{"__name__", "new"}}, t0 + 4 * hour, 1).ok());
  ASSERT_TRUE(db->CutHead().ok());
  ASSERT_EQ(db->Blocks().size(), 1u);
  EXPECT_EQ(count({}), 2u) << "a block and the head";
  EXPECT_EQ(count({.limit = 1}), 1u);
  EXPECT_EQ(count({.min_ms = t0, .max_ms = t0 + hour}), 1u);
}

TEST(DbTest, RefusesSamplesInThePrometheusWay) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  const Labels series{{"__name__", "m"}};
  const int64_t hour = 3600'000;
  auto first = db->NewAppender({});
  const SeriesRef ref = Ref(first.get(), series);
  ASSERT_TRUE(first->Append(ref, 10 * hour, 5, 0).ok());
  ASSERT_TRUE(first->Commit().ok());
  const struct {
    SeriesRef ref;
    int64_t time_ms;
    double value;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {ref, 10 * hour, 5, StatusCode::kOk, ""},
      {ref, 10 * hour, 6, StatusCode::kDuplicateSample,
       "duplicate sample for timestamp 36000000; overrides not allowed: existing 5, new value 6"},
      {ref, 10 * hour - 1, 5, StatusCode::kOutOfOrder, "out of order sample"},
      {ref, 9 * hour, 5, StatusCode::kOutOfOrder, "out of order sample"},
      {ref, 9 * hour - 1, 5, StatusCode::kOutOfBounds, "out of bounds"},
      {ref + (uint64_t{1} << 32), 11 * hour, 5, StatusCode::kNotFound, "unknown series reference"},
      {0, 11 * hour, 5, StatusCode::kNotFound, "unknown series reference"},
      {UINT64_MAX, 11 * hour, 5, StatusCode::kNotFound, "unknown series reference"},
  };
  for (const auto& c : kCases) {
    auto appender = db->NewAppender({});
    const Status status = appender->Append(c.ref, c.time_ms, c.value, 0);
    EXPECT_EQ(status.code(), c.code) << c.time_ms << ": " << status.ToString();
    EXPECT_EQ(status.ok() ? "" : status.message(), c.message);
    std::vector<SampleError> errors;
    const RefSample sample{c.ref, c.time_ms, c.value};
    EXPECT_EQ(appender->AppendBatch({&sample, 1}, &errors), c.code == StatusCode::kOk ? 1u : 0u);
    EXPECT_TRUE(appender->Commit().ok());
  }
  EXPECT_EQ(Dump(db.get()), "m 5@36000000\n");
}

TEST(DbTest, TakesLateSamplesInsideTheWindowAndMergesThem) {
  TempDir dir;
  DbOptions options;
  options.settings.out_of_order_window_ms = 600'000;
  auto db = OpenDb(dir.path(), options);
  const Labels series{{"__name__", "m"}};
  for (const int64_t t : {3600'000, 3500'000, 3550'000, 3610'000, 3550'000}) {
    ASSERT_TRUE(AppendOne(db.get(), series, t, static_cast<double>(t / 1000)).ok()) << t;
  }
  const Status too_old = AppendOne(db.get(), series, 2000'000, 1);
  EXPECT_EQ(too_old.code(), StatusCode::kTooOld);
  EXPECT_EQ(too_old.message(), "too old sample");
  const std::string want = "m 3500@3500000 3550@3550000 3600@3600000 3610@3610000\n";
  EXPECT_EQ(Dump(db.get()), want);
  db.reset();
  db = OpenDb(dir.path(), options);
  EXPECT_EQ(Dump(db.get()), want);
}

TEST(DbTest, KeepsHistogramsStartTimesMetadataExemplarsAndDeletionsOverARestart) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  const Labels series{{"__name__", "h"}};
  IntHistogram h;
  h.count = 5;
  h.sum = 12.5;
  h.schema = 1;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {2, 1};
  auto appender = db->NewAppender({});
  const SeriesRef ref = Ref(appender.get(), series);
  ASSERT_TRUE(appender->AppendHistogram(ref, 1000, h, 500).ok());
  ASSERT_TRUE(appender->AppendFloatHistogram(ref, 2000, h.ToFloat(), 0).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender = db->NewAppender({});
  ASSERT_TRUE(appender->Append(ref, 3000, 7, 900).ok());
  ASSERT_TRUE(appender->Append(ref, 4000, 8, 900).ok());
  ASSERT_TRUE(appender->UpdateMetadata(ref, {.kind = MetricKind::kHistogram, .help = "x"}).ok());
  Exemplar exemplar{
      .labels = Labels{{"trace", "1"}}, .value = 3, .time_ms = 1500, .has_time = true};
  ASSERT_TRUE(appender->AppendExemplar(ref, exemplar).ok());
  // Older and the same once more, in one commit: left out, here and at every replay.
  Exemplar older = exemplar;
  older.time_ms = 1400;
  ASSERT_TRUE(appender->AppendExemplar(ref, older).ok());
  ASSERT_TRUE(appender->AppendExemplar(ref, exemplar).ok());
  ASSERT_TRUE(appender->Commit().ok());
  appender.reset();
  ASSERT_TRUE(db->DeleteSeries(4000, 5000, {Matcher::Equal("__name__", "h")}).ok());

  for (int restart = 0; restart < 3; restart++) {
    auto querier = db->NewQuerier(0, 10000);
    ASSERT_TRUE(querier.ok());
    auto set = (*querier)->Select(true, {.min_ms = 0, .max_ms = 10000}, {}, nullptr);
    ASSERT_EQ((*set)->size(), 1u);
    SampleColumns columns;
    ASSERT_TRUE((*set)->Read(0, 0, 10000, &columns).ok());
    ASSERT_EQ(columns.histograms.size(), 2u);
    EXPECT_TRUE(columns.histograms[0].integer);
    EXPECT_EQ(columns.histograms[0].st_ms, 500);
    EXPECT_TRUE(columns.histograms[0].histogram.Equals(h.ToFloat()));
    EXPECT_FALSE(columns.histograms[1].integer);
    EXPECT_EQ(columns.times, (std::vector<int64_t>{3000}));
    EXPECT_EQ(columns.start_times, (std::vector<int64_t>{900}));
    auto exemplars = db->exemplars()->Select(0, 10000, {{Matcher::Equal("__name__", "h")}});
    ASSERT_TRUE(exemplars.ok());
    ASSERT_EQ(exemplars->size(), 1u);
    EXPECT_EQ((*exemplars)[0].exemplars, std::vector<Exemplar>{exemplar});
    set.value().reset();
    querier.value().reset();
    if (restart == 0) (void)db->wal()->Close();
    db.reset();
    db = OpenDb(dir.path());
  }
}

TEST(DbTest, TruncatesWhatLiesBelowTheFloorAndForgetsSeriesWithoutSamples) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  const int64_t hour = 3600'000;
  ASSERT_TRUE(AppendOne(db.get(), Labels{{"__name__", "old"}, {"pod", "1"}}, hour, 1).ok());
  for (int i = 0; i < 1000; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Labels{{"__name__", "kept"}}, hour + i * 15000, i * 1.1).ok());
  }
  const int64_t cut_ms = 4 * hour;
  db->head()->RaiseMinValid(cut_ms);
  db->head()->SetFloor(cut_ms, 0, kMinTimeMs);
  db->TruncateHead();
  EXPECT_EQ(db->head()->num_series(), 1u);
  for (int restart = 0; restart < 2; restart++) {
    const SampleMap all = ReadAll(db.get());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all.begin()->first, (Labels{{"__name__", "kept"}}));
    EXPECT_EQ(all.begin()->second.begin()->first, cut_ms);
    EXPECT_EQ(all.begin()->second.size(), 280u);
    bool truncated = false;
    auto querier = db->NewQuerier(0, 10 * hour);
    EXPECT_EQ(*(*querier)->LabelNames({}, 0, &truncated), std::vector<std::string>{"__name__"});
    querier->reset();
    db.reset();
    db = OpenDb(dir.path());
  }
  // The series may come back, with another reference.
  ASSERT_TRUE(AppendOne(db.get(), Labels{{"__name__", "old"}, {"pod", "1"}}, 6 * hour, 2).ok());
  EXPECT_EQ(db->head()->num_series(), 2u);
}

TEST(DbTest, AgreesWithAMapAfterRandomAppendsAndRestarts) {
  TempDir dir;
  std::mt19937_64 rng(42);
  std::map<Labels, std::map<int64_t, uint64_t>> model;
  auto db = OpenDb(dir.path());
  int64_t now = 1'700'000'000'000;
  std::vector<double> value(50);
  for (int commit = 0; commit < 1500; commit++) {
    auto appender = db->NewAppender({});
    now += rng() % 7 == 0 ? static_cast<int64_t>(rng() % 30000) + 1 : 15000;
    std::map<Labels, std::pair<int64_t, uint64_t>> pending;
    for (size_t i = 0; i < 50; i++) {
      if (rng() % 10 == 0) continue;
      const Labels series{{"__name__", "m" + std::to_string(i % 7)}, {"i", std::to_string(i)}};
      double& v = value[i];
      switch (i % 5) {
        case 0:
          break;
        case 1:
          v += static_cast<double>(rng() % 100);
          break;
        case 2:
          v = std::bit_cast<double>(rng());
          break;
        case 3:
          v = static_cast<double>(rng() % 1000) / 100;
          break;
        default:
          v = rng() % 20 == 0 ? StaleNan() : static_cast<double>(rng() % 3);
      }
      ASSERT_TRUE(appender->Append(Ref(appender.get(), series), now, v, 0).ok());
      pending[series] = {now, std::bit_cast<uint64_t>(v)};
    }
    if (rng() % 20 == 0) {
      ASSERT_TRUE(appender->Rollback().ok());
    } else {
      ASSERT_TRUE(appender->Commit().ok());
      for (const auto& [series, sample] : pending) model[series][sample.first] = sample.second;
    }
    appender.reset();
    if (commit % 137 == 50) {
      ASSERT_TRUE(db->Checkpoint().ok());
    }
    if (commit % 300 == 299) {
      ExpectModel(db.get(), model, "commit " + std::to_string(commit));
      // Every other time as kill -9 would: without a checkpoint at exit.
      if (commit % 600 == 299) (void)db->wal()->Close();
      db.reset();
      db = OpenDb(dir.path());
      ExpectModel(db.get(), model, "restart after " + std::to_string(commit));
    }
  }
}

}  // namespace
}  // namespace deucalion::tsdb

#include <atomic>
#include <thread>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

// Writers each own a group of series over all shards and commit one sample to every one of them at
// a time. Whatever a reader sees, all series of a group have the same samples.
TEST(DbIsolationTest, ReadersNeverSeeHalfOfACommit) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  constexpr int kWriters = 3;
  constexpr int kSeries = 60;
  constexpr int kCommits = 300;
  std::atomic<int> running{kWriters};
  std::atomic<int> checks{0};
  std::vector<std::jthread> threads;
  for (int w = 0; w < kWriters; w++) {
    threads.emplace_back([&, w] {
      for (int n = 1; n <= kCommits; n++) {
        auto appender = db->NewAppender({});
        for (int i = 0; i < kSeries; i++) {
          const Labels series{
              {"__name__", "m"}, {"i", std::to_string(i)}, {"w", std::to_string(w)}};
          (void)appender->Append(Ref(appender.get(), series), n * 1000, n * (i % 3 ? 1.5 : 0), 0);
        }
        EXPECT_TRUE(appender->Commit().ok());
      }
      running--;
    });
  }
  for (int r = 0; r < 2; r++) {
    threads.emplace_back([&, r] {
      do {
        auto querier = db->NewQuerier(0, kMaxTimeMs);
        const std::string group = std::to_string(r % kWriters);
        auto set = (*querier)->Select(false, {.min_ms = 0, .max_ms = kMaxTimeMs},
                                      {Matcher::Equal("w", group)}, nullptr);
        size_t length = 0;
        for (size_t i = 0; i < (*set)->size(); i++) {
          SampleColumns columns;
          EXPECT_TRUE((*set)->Read(i, 0, kMaxTimeMs, &columns).ok());
          if (i == 0) length = columns.times.size();
          EXPECT_EQ(columns.times.size(), length);
        }
        EXPECT_TRUE((*set)->size() == 0 || (*set)->size() == kSeries);
        checks++;
      } while (running > 0);
    });
  }
  threads.emplace_back([&] {
    while (running > 0) EXPECT_TRUE(db->Checkpoint().ok());
  });
  threads.clear();
  EXPECT_GT(checks, 1);
  EXPECT_EQ(ReadAll(db.get()).size(), static_cast<size_t>(kWriters * kSeries));
}

// Every scrape has the same number of series over all shards, floats and histograms.
TEST(DbIsolationTest, AQueryDuringFiftyConcurrentScrapesNeverSeesHalfOfOne) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  constexpr int kTargets = 50;
  constexpr int kSeries = 24;
  constexpr int kScrapes = 12;
  std::atomic<int> running{kTargets};
  std::atomic<int> queries{0};
  const auto scrape = [&](int target) {
    for (int n = 1; n <= kScrapes; n++) {
      auto appender = db->NewAppender({});
      for (int i = 0; i < kSeries; i++) {
        const Labels series{{"__name__", "m" + std::to_string(i)}, {"t", std::to_string(target)}};
        const SeriesRef ref = Ref(appender.get(), series);
        const Status status = i % 6 == 0 ? appender->AppendHistogram(ref, n * 1000, Histogram(n), 0)
                                         : appender->Append(ref, n * 1000, n, 0);
        EXPECT_TRUE(status.ok());
      }
      EXPECT_TRUE(appender->Commit().ok());
    }
    running--;
  };
  // Samples by target and time.
  const auto count = [&] {
    std::map<std::pair<std::string, int64_t>, int> counts;
    auto querier = db->NewQuerier(0, kMaxTimeMs);
    auto set = (*querier)->Select(false, {.max_ms = kMaxTimeMs}, {}, nullptr);
    Labels labels;
    for (size_t i = 0; i < (*set)->size(); i++) {
      (*set)->LabelsOf(i, &labels);
      const std::string target(labels.Get("t"));
      SampleColumns c;
      EXPECT_TRUE((*set)->Read(i, 0, kMaxTimeMs, &c).ok());
      for (const int64_t t : c.times) counts[{target, t}]++;
      for (const HistogramPoint& h : c.histograms) counts[{target, h.time_ms}]++;
    }
    return counts;
  };
  std::vector<std::jthread> threads;
  for (int t = 0; t < kTargets; t++) threads.emplace_back([&scrape, t] { scrape(t); });
  do {
    for (const auto& [scraped, samples] : count()) {
      ASSERT_EQ(samples, kSeries) << "target " << scraped.first << " at " << scraped.second;
    }
    queries++;
  } while (running > 0);
  threads.clear();
  EXPECT_GT(queries, 1);
  EXPECT_EQ(count().size(), static_cast<size_t>(kTargets * kScrapes));
}

TEST(DbIsolationTest, AnOldReaderKeepsItsViewHoweverManyCommitsFollow) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  const Labels series{{"__name__", "m"}};
  std::vector<std::unique_ptr<Querier>> queriers;
  for (int n = 0; n < 50; n++) {
    queriers.push_back(std::move(*db->NewQuerier(0, kMaxTimeMs)));
    ASSERT_TRUE(AppendOne(db.get(), series, 1000 + n, n * 0.3).ok());
  }
  for (int n = 0; n < 50; n++) {
    auto set = queriers[static_cast<size_t>(n)]->Select(true, {.max_ms = kMaxTimeMs}, {}, nullptr);
    ASSERT_EQ((*set)->size(), n == 0 ? 0u : 1u);
    if (n == 0) continue;
    SampleColumns columns;
    ASSERT_TRUE((*set)->Read(0, 0, kMaxTimeMs, &columns).ok());
    EXPECT_EQ(columns.times.size(), static_cast<size_t>(n));
  }
}

TEST(DbIsolationTest, SeriesComeAndGoWhileTheyAreReadAndWritten) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    for (int n = 0; n < 400; n++) {
      auto appender = db->NewAppender({});
      for (int i = 0; i < 20; i++) {
        const Labels series{{"__name__", "m"}, {"pod", std::to_string(n / 5 * 7 + i)}};
        (void)appender->Append(Ref(appender.get(), series), n * 60'000, n, 0);
      }
      EXPECT_TRUE(appender->Commit().ok());
    }
    done = true;
  });
  threads.emplace_back([&] {
    while (!done) {
      if (db->head()->max_ms() <= 1'800'000) continue;
      const int64_t cut_ms = db->head()->max_ms() - 1'800'000;
      db->head()->RaiseMinValid(cut_ms);
      db->head()->SetFloor(cut_ms, 0, kMinTimeMs);
      db->TruncateHead();
    }
  });
  threads.emplace_back([&] {
    while (!done) (void)ReadAll(db.get());
  });
  threads.clear();
  db->head()->pins().Reclaim();
  EXPECT_LT(db->head()->num_series(), 600u);
}

}  // namespace
}  // namespace deucalion::tsdb

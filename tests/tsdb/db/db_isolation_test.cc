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
      db->head()->SetFloor(cut_ms, 0);
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

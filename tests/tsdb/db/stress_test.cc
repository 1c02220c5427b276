// Everything at once: scrapes, late samples, pods that come and go, queries, cuts, moves of series
// that ended, compactions, deletions and snapshots. A query sees every scrape whole or not at all,
// and at the end nothing is missing.
// DEUCALION_STRESS_SECONDS makes it as long as that; run it under tsan and asan.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int kSeries = 40;
// Scrapes that a pod lives for; in the last one it has a stale marker.
constexpr int kPodScrapes = 20;
constexpr int64_t kStep = 15'000;
constexpr int64_t kStart = 1'700'006'400'000;

constexpr int kScrapes = 2'500;

int Seconds() {
  const char* wanted = std::getenv("DEUCALION_STRESS_SECONDS");
  return wanted != nullptr ? std::atoi(wanted) : 0;
}

bool IsHistogram(int i) { return i % 8 == 0; }

Labels Series(const char* name, int i) {
  return Labels({{"__name__", name}, {"i", std::to_string(i)}});
}

class StressTest : public ::testing::Test {
 protected:
  void SetUp() override {
    DbOptions options;
    options.memory_catalog = true;
    options.settings.out_of_order_window_ms = 3'600'000;
    db_ = OpenDb(dir_.path(), options);
  }

  // All series of a scrape have its number as value; some are histograms.
  void Ingest() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(Seconds());
    for (int n = 0; n < kScrapes || std::chrono::steady_clock::now() < end; ++n) {
      auto appender = db_->NewAppender({});
      for (int i = 0; i < kSeries; ++i) {
        for (const char* name : {"kept", "doomed"}) {
          const SeriesRef ref = Ref(appender.get(), Series(name, i));
          const int64_t t = kStart + n * kStep;
          const Status status = IsHistogram(i) ? appender->AppendHistogram(ref, t, Histogram(n), 0)
                                               : appender->Append(ref, t, n, 0);
          ASSERT_TRUE(status.ok()) << status.ToString();
        }
      }
      const double pod_value = n % kPodScrapes == kPodScrapes - 1 ? StaleNan() : 1;
      ASSERT_TRUE(appender
                      ->Append(Ref(appender.get(), Series("pod", n / kPodScrapes)),
                               kStart + n * kStep, pod_value, 0)
                      .ok());
      ASSERT_TRUE(appender->Commit().ok());
      newest_ = n;
      if (n % 10 != 5) continue;
      // Late: between two scrapes, for all series at once too.
      auto late = db_->NewAppender({});
      const int64_t t = kStart + (n - 5) * kStep + 7;
      for (int i = 0; i < kSeries; ++i) {
        const SeriesRef ref = Ref(late.get(), Series("kept", i));
        const Status status = IsHistogram(i) ? late->AppendHistogram(ref, t, Histogram(-1), 0)
                                             : late->Append(ref, t, -1, 0);
        ASSERT_TRUE(status.ok()) << status.ToString();
      }
      ASSERT_TRUE(late->Commit().ok());
    }
    done_ = true;
  }

  void Query() {
    std::mt19937_64 rng(1);
    while (!done_) {
      const int64_t newest = kStart + newest_ * kStep;
      const int64_t min_ms = newest - static_cast<int64_t>(rng() % 20'000'000);
      const auto times = CountByTime(min_ms, newest);
      for (const auto& [t, count] : times) {
        if (count != kSeries) {
          ADD_FAILURE() << "half a scrape at " << (t - kStart) / kStep << ": " << count;
          return;
        }
      }
      ++queries_;
    }
  }

  std::map<int64_t, int> CountByTime(int64_t min_ms, int64_t max_ms) {
    std::map<int64_t, int> times;
    auto querier = db_->NewQuerier(min_ms, max_ms);
    EXPECT_TRUE(querier.ok());
    auto set = (*querier)->Select(false, {.min_ms = min_ms, .max_ms = max_ms},
                                  {Matcher::Equal("__name__", "kept")}, nullptr);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    SampleColumns samples;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      samples.Clear();
      const Status status = (*set)->Read(i, min_ms, max_ms, &samples);
      EXPECT_TRUE(status.ok()) << status.ToString();
      for (const int64_t t : samples.times) ++times[t];
      for (const HistogramPoint& h : samples.histograms) ++times[h.time_ms];
    }
    return times;
  }

  void Repeat(const std::function<Status()>& step) {
    while (!done_) {
      const Status status = step();
      EXPECT_TRUE(status.ok()) << status.ToString();
      std::this_thread::yield();
    }
  }

  TempDir dir_;
  std::unique_ptr<Db> db_;
  std::atomic<int> newest_{0};
  std::atomic<bool> done_{false};
  std::atomic<int> queries_{0};
};

TEST_F(StressTest, QueriesSeeWholeScrapesWhileEverythingRuns) {
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([this] { Ingest(); });
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { Query(); });
    threads.emplace_back([this] {
      Repeat([this] {
        RETURN_IF_ERROR(db_->MaintainHead());
        return db_->MoveEndedSeries(1);
      });
    });
    threads.emplace_back(
        [this] { Repeat([this] { return db_->MaintainBlocks(nullptr, {}).status(); }); });
    threads.emplace_back([this] {
      Repeat([this] {
        const int64_t newest = kStart + newest_ * kStep;
        return db_->DeleteSeries(newest - 7'200'000, newest - 3'600'000,
                                 {Matcher::Equal("__name__", "doomed")});
      });
    });
    threads.emplace_back([this] {
      Repeat([this] {
        RETURN_IF_ERROR(db_->Checkpoint());
        return db_->Snapshot(false).status();
      });
    });
  }
  EXPECT_GT(queries_, 0);
  const int scrapes = newest_ + 1;
  const auto times = CountByTime(kStart, kStart + scrapes * kStep);
  int late = 0;
  for (int n = 0; n < scrapes; ++n) {
    const auto it = times.find(kStart + n * kStep);
    ASSERT_TRUE(it != times.end() && it->second == kSeries) << "scrape " << n;
    late += n % 10 == 5;
  }
  EXPECT_EQ(times.size(), static_cast<size_t>(scrapes + late));
  const SampleMap all = ReadAll(db_.get());
  for (int pod = 0; pod < scrapes / kPodScrapes; ++pod) {
    const auto it = all.find(Series("pod", pod));
    ASSERT_TRUE(it != all.end() && it->second.size() == kPodScrapes) << "pod " << pod;
  }
}

}  // namespace
}  // namespace deucalion::tsdb

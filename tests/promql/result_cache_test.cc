#include "promql/result_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "promql/engine.h"
#include "promql/parser/parser.h"
#include "tests/support/memory_storage.h"

namespace deucalion::promql {
namespace {

constexpr int64_t kMinute = 60'000;

// Storage that says what of it is stable.
class StableStorage : public testing_support::MemoryStorage {
 public:
  int64_t StableHorizonMs() const override { return horizon_ms; }
  uint64_t Generation(int64_t, int64_t) const override { return generation; }
  int64_t horizon_ms = 20 * kMinute;
  uint64_t generation = 1;
};

class ResultCacheTest : public testing::Test {
 protected:
  ResultCacheTest() : cached_(Options(1 << 20)), plain_(Options(0)) {
    for (int s = 0; s < 60; s++) {
      for (int i = 0; i < 3; i++) {
        if (i == 2 && s < 25) continue;  // appears later
        EXPECT_TRUE(storage_
                        .Append(Labels{{"__name__", "x_total"}, {"i", std::to_string(i)}},
                                s * kMinute, s * s + i)
                        .ok());
      }
    }
  }
  static EngineOptions Options(uint64_t cache_bytes) {
    EngineOptions options;
    options.result_cache_bytes = cache_bytes;
    return options;
  }
  // Asks both engines; returns how many steps came from the cache.
  uint64_t Same(const char* query, int64_t start, int64_t end, int64_t step = kMinute) {
    const QueryResult a = cached_.Range(storage_, query, start, end, step);
    const QueryResult b = plain_.Range(storage_, query, start, end, step);
    EXPECT_TRUE(a.status.ok() && b.status.ok()) << query;
    const Matrix &got = std::get<Matrix>(a.value), &want = std::get<Matrix>(b.value);
    EXPECT_EQ(got.size(), want.size()) << query;
    for (size_t i = 0; i < std::min(got.size(), want.size()); i++) {
      EXPECT_EQ(got[i].labels, want[i].labels) << query;
      EXPECT_EQ(got[i].times, want[i].times) << query;
      EXPECT_EQ(got[i].values, want[i].values) << query;
    }
    EXPECT_EQ(a.annotations.list().size(), b.annotations.list().size()) << query;
    return a.stats.cached_steps;
  }

  StableStorage storage_;
  Engine cached_, plain_;
};

TEST_F(ResultCacheTest, AnswersStableStepsFromMemoryAndTheRestFromStorage) {
  for (const char* query : {"x_total", "sum(rate(x_total[5m]))", "max_over_time(x_total[3m:30s])",
                            "rate(x_total[5m]) * 2 > 1", "time()", "sum(delta(x_total[4m]))"}) {
    EXPECT_EQ(Same(query, 5 * kMinute, 30 * kMinute), 0u) << query;
    EXPECT_EQ(Same(query, 5 * kMinute, 30 * kMinute), 16u) << query;
    EXPECT_EQ(Same(query, 7 * kMinute, 32 * kMinute), 14u) << query;
    EXPECT_EQ(Same(query, 2 * kMinute, 9 * kMinute), 0u) << query;
    EXPECT_EQ(Same(query, 7 * kMinute + 1, 32 * kMinute + 1), 0u) << query;
  }
}

TEST_F(ResultCacheTest, FollowsTheHorizon) {
  EXPECT_EQ(Same("x_total", 5 * kMinute, 40 * kMinute), 0u);
  storage_.horizon_ms = 30 * kMinute;
  EXPECT_EQ(Same("x_total", 5 * kMinute, 40 * kMinute), 16u);
  EXPECT_EQ(Same("x_total", 5 * kMinute, 40 * kMinute), 26u);
}

TEST_F(ResultCacheTest, ForgetsWhatHasChanged) {
  EXPECT_EQ(Same("x_total", 5 * kMinute, 30 * kMinute), 0u);
  storage_.generation++;
  EXPECT_EQ(Same("x_total", 5 * kMinute, 30 * kMinute), 0u);
  EXPECT_EQ(Same("x_total", 5 * kMinute, 30 * kMinute), 16u);
}

TEST_F(ResultCacheTest, LeavesOutQueriesThatLookBeyondTheirStep) {
  for (const char* query :
       {"x_total @ 60", "x_total offset -1m", "sum_over_time(x_total[2m:30s] @ end())"}) {
    EXPECT_EQ(Same(query, 5 * kMinute, 15 * kMinute), 0u) << query;
    EXPECT_EQ(Same(query, 5 * kMinute, 15 * kMinute), 0u) << query;
  }
}

TEST_F(ResultCacheTest, IsPassedByOnRequest) {
  QueryOptions options;
  options.no_cache = true;
  EXPECT_EQ(Same("x_total", 5 * kMinute, 30 * kMinute), 0u);
  EXPECT_EQ(cached_.Range(storage_, "x_total", 5 * kMinute, 30 * kMinute, kMinute, options)
                .stats.cached_steps,
            0u);
}

TEST(ResultCacheSizeTest, KeepsTheMostRecentWithinItsLimit) {
  ResultCache cache(10'000);
  testing_support::MemoryStorage storage;
  auto entry = [] {
    ResultCache::Entry e;
    e.end_ms = 1000;
    e.matrix.emplace_back().times.resize(100);
    e.matrix[0].values.resize(100);
    return e;
  };
  for (int i = 0; i < 20; i++) {
    cache.Store("k" + std::to_string(i), entry());
    EXPECT_NE(cache.Find("k0", 0, storage), nullptr);
  }
  EXPECT_LE(cache.bytes(), 10'000u);
  EXPECT_EQ(cache.Find("k1", 0, storage), nullptr);
  EXPECT_NE(cache.Find("k19", 0, storage), nullptr);
}

}  // namespace
}  // namespace deucalion::promql

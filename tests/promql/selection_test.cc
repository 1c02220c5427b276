// What the engine asks of storage: how often it looks series up, and what it says it does not need.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "promql/engine.h"
#include "tests/support/memory_storage.h"

namespace deucalion::promql {
namespace {

constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;

// Remembers the hints of every selection.
class WatchedStorage : public testing_support::MemoryStorage {
 public:
  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) override {
    ASSIGN_OR_RETURN(auto querier, MemoryStorage::NewQuerier(min_ms, max_ms));
    return std::unique_ptr<Querier>(std::make_unique<Watch>(std::move(querier), this));
  }
  std::vector<SelectHints> seen;
  uint64_t held_bytes = 0;  // what each selection holds of the query's memory

 private:
  class Watch : public Querier {
   public:
    Watch(std::unique_ptr<Querier> below, WatchedStorage* storage)
        : below_(std::move(below)), storage_(storage) {}
    void ChargeTo(MemoryBudget* budget) override { charge_.emplace(budget); }
    Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                              const std::vector<Matcher>& matchers,
                                              const CancelToken* cancel) override {
      storage_->seen.push_back(hints);
      RETURN_IF_ERROR(charge_->Add(storage_->held_bytes));
      return below_->Select(sorted, hints, matchers, cancel);
    }
    Result<std::vector<std::string>> LabelValues(const std::string& name,
                                                 const std::vector<Matcher>& matchers, size_t limit,
                                                 bool* truncated) override {
      return below_->LabelValues(name, matchers, limit, truncated);
    }
    Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                                bool* truncated) override {
      return below_->LabelNames(matchers, limit, truncated);
    }
    uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override {
      return below_->EstimateSeries(matchers);
    }

   private:
    const std::unique_ptr<Querier> below_;
    WatchedStorage* const storage_;
    std::optional<MemoryCharge> charge_;
  };
};

class SelectionTest : public testing::Test {
 protected:
  std::vector<SelectHints> Range(const std::string& query) {
    storage_.seen.clear();
    const QueryResult r = engine_.Range(storage_, query, 2 * kHour, 3 * kHour, kMinute);
    EXPECT_TRUE(r.status.ok()) << r.status.ToString();
    return storage_.seen;
  }
  std::vector<SelectHints> Instant(const std::string& query) {
    storage_.seen.clear();
    const QueryResult r = engine_.Instant(storage_, query, 2 * kHour);
    EXPECT_TRUE(r.status.ok()) << r.status.ToString();
    return storage_.seen;
  }
  using Names = std::vector<std::string>;
  Names KeyLabels(const std::string& query) {
    const auto seen = Range(query);
    EXPECT_EQ(seen.size(), 1u) << query;
    return seen.empty() ? Names() : seen[0].key_labels;
  }

  WatchedStorage storage_;
  Engine engine_{EngineOptions{}};
};

TEST_F(SelectionTest, WhatStorageHoldsForAQueryCountsAsTheQuerys) {
  EngineOptions options;
  options.max_query_bytes = 4 << 20;
  Engine engine(options);
  storage_.held_bytes = 3 << 20;
  QueryResult r = engine.Instant(storage_, "x", 2 * kHour);
  EXPECT_TRUE(r.status.ok()) << r.status.ToString();
  EXPECT_GE(r.stats.peak_bytes, storage_.held_bytes);
  r = engine.Instant(storage_, "x + y", 2 * kHour);
  EXPECT_EQ(r.status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(r.status.message(),
            "expanding series: query needs more memory than one query may use: limit 4 MiB");
}

TEST_F(SelectionTest, SelectorsOfTheSameSeriesShareOneLookUp) {
  EXPECT_EQ(Range("x / (x + 1)").size(), 1u);
  EXPECT_EQ(Range("sum(rate(x{a=\"1\"}[5m])) / sum(x{a=\"1\"})").size(), 1u);
  const auto seen = Range("max_over_time(x[5m]) - min_over_time(x[30m])");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].min_ms, 2 * kHour - 30 * kMinute + 1);
  EXPECT_EQ(seen[0].max_ms, 3 * kHour);
  EXPECT_EQ(Instant("x and x > 0").size(), 1u);
}

TEST_F(SelectionTest, OthersAndThoseOfFarApartTimesDoNot) {
  EXPECT_EQ(Range("x / y").size(), 2u);
  EXPECT_EQ(Range("x / x{a=\"1\"}").size(), 2u);
  EXPECT_EQ(Range("x / (x offset 1w)").size(), 2u);
  EXPECT_EQ(Instant("x / (x offset 1m)").size(), 2u);
  EXPECT_EQ(Instant("x / rate(x[5m])").size(), 2u);
}

TEST_F(SelectionTest, BelowByOnlyItsLabelsAreNeeded) {
  const Names with_a = {"__name__", "a"};
  EXPECT_EQ(KeyLabels("sum by (a) (x)"), with_a);
  EXPECT_EQ(KeyLabels("count by (a) ({__name__=~\"x.*\"})"), with_a);
  EXPECT_EQ(KeyLabels("max by (a) (abs(-rate(x[5m]) * 2 > 1))"), with_a);
  EXPECT_EQ(KeyLabels("avg by (a) (max_over_time(rate(x[5m])[30m:1m]))"), with_a);
  EXPECT_EQ(KeyLabels("sum(x)"), Names{"__name__"});
}

TEST_F(SelectionTest, ElsewhereAllLabelsAre) {
  for (const char* query :
       {"x", "sum without (a) (x)", "topk by (a) (1, x)", "count_values by (a) (\"v\", x)",
        "sum by (a) (rate({__name__=~\"x.*\"}[5m]))",
        "sum by (b) (label_join(x, \"b\", \"\", \"a\"))", "sum by (a) (x and on (b) vector(1))",
        "sum by (a) (absent(x))", "sum by (a) (histogram_quantile(0.9, x))"}) {
    EXPECT_EQ(KeyLabels(query), Names()) << query;
  }
}

TEST_F(SelectionTest, AnInstantQueryNeedsTheNewestSamplesAlone) {
  for (const char* query : {"x", "sum(x)", "timestamp(x)", "x offset 5m", "x @ 100"}) {
    EXPECT_TRUE(Instant(query).at(0).newest_only) << query;
  }
  for (const char* query :
       {"rate(x[5m])", "x[5m]", "max_over_time(x[5m:1m])", "histogram_sum(x)"}) {
    EXPECT_FALSE(Instant(query).at(0).newest_only) << query;
  }
  EXPECT_FALSE(Range("x").at(0).newest_only);
  EXPECT_TRUE(Range("x @ 100").at(0).newest_only);
}

}  // namespace
}  // namespace deucalion::promql

// The query engine over the real database: what it answers must be what it answers over a plain map
// of the same samples, and with the range-result cache what it answers without, whatever happens to
// the data meanwhile: appends, late samples, deletions, cuts, compactions, restarts.
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>
#include <string>

#include "base/worker_pool.h"
#include "promql/engine.h"
#include "tests/support/memory_storage.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion {
namespace {

constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;
constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of a day

Labels Series(int i) {
  return Labels({{"__name__", i % 3 == 0   ? "requests_total"
                              : i % 3 == 1 ? "size"
                                           : "ratio"},
                 {"instance", "host-" + std::to_string(i % 7)},
                 {"zone", i % 2 == 0 ? "a" : "b"},
                 {"n", std::to_string(i)}});
}

class QueryOverDbTest : public testing::Test {
 protected:
  void Open(int64_t window_ms) {
    db_.reset();
    tsdb::DbOptions options;
    options.settings.out_of_order_window_ms = window_ms;
    db_ = tsdb::OpenDb(dir_.path(), options);
    ASSERT_NE(db_, nullptr);
  }
  promql::EngineOptions Options(uint64_t cache_bytes = 0) {
    promql::EngineOptions options;
    options.pool = &pool_;
    options.result_cache_bytes = cache_bytes;
    return options;
  }
  // One value of every series at `t`, or nothing of some.
  void Append(int64_t t, int series) {
    auto appender = db_->NewAppender({});
    for (int i = 0; i < series; i++) {
      if (random_() % 20 == 0) continue;
      double& v = values_[i];
      if (i % 3 == 0) v = random_() % 60 == 0 ? 0 : v + static_cast<double>(random_() % 50);
      if (i % 3 == 1) v = static_cast<double>(random_() % 4000);
      if (i % 3 == 2) v = static_cast<double>(random_() % 4000) / 7;
      const double sample = random_() % 200 == 0 ? StaleNan() : v;
      const Labels labels = Series(i);
      ASSERT_TRUE(appender->Append(tsdb::Ref(appender.get(), labels), t, sample, 0).ok());
      model_[labels][t] = sample;
    }
    ASSERT_TRUE(appender->Commit().ok());
  }
  void AppendLate(int i, int64_t t) {
    const double v = static_cast<double>(random_() % 100);
    if (tsdb::AppendOne(db_.get(), Series(i), t, v).ok()) model_[Series(i)].try_emplace(t, v);
  }
  void Delete(int64_t min_ms, int64_t max_ms, const std::string& instance) {
    ASSERT_TRUE(db_->DeleteSeries(min_ms, max_ms, {Matcher::Equal("instance", instance)}).ok());
    for (auto& [labels, samples] : model_) {
      if (labels.Get("instance") != instance) continue;
      samples.erase(samples.lower_bound(min_ms), samples.upper_bound(max_ms));
    }
  }
  void Compact() {
    for (;;) {
      const auto more = db_->MaintainBlocks(nullptr, {});
      ASSERT_TRUE(more.ok()) << more.status().ToString();
      if (!*more) break;
    }
  }
  void FillPlain(testing_support::MemoryStorage* plain) {
    plain->Clear();
    for (const auto& [labels, samples] : model_) {
      for (const auto& [t, v] : samples) ASSERT_TRUE(plain->Append(labels, t, v).ok());
    }
  }
  static std::string Text(const promql::QueryResult& result) {
    std::string out = result.status.ok() ? "" : result.status.ToString();
    const auto value = [&out](int64_t t, double v) {
      out += " " + std::to_string(t) + "=" + std::to_string(std::bit_cast<uint64_t>(v));
    };
    if (const auto* vector = std::get_if<promql::Vector>(&result.value)) {
      // The order of a vector is nobody's promise.
      std::map<std::string, const promql::Vector::value_type*> sorted;
      for (const auto& s : *vector) sorted.emplace(s.labels.ToString(), &s);
      for (const auto& [labels, s] : sorted) {
        out += labels;
        value(s->time_ms, s->value);
        out += "\n";
      }
    } else if (const auto* matrix = std::get_if<promql::Matrix>(&result.value)) {
      for (const auto& s : *matrix) {
        out += s.labels.ToString();
        for (size_t i = 0; i < s.times.size(); i++) value(s.times[i], s.values[i]);
        out += "\n";
      }
    }
    return out;
  }

  TempDir dir_;
  WorkerPool pool_{"query", 2};
  std::unique_ptr<tsdb::Db> db_;
  std::mt19937 random_{1};
  std::map<int, double> values_;
  std::map<Labels, std::map<int64_t, double>> model_;
};

constexpr const char* kQueries[] = {
    "requests_total",
    "size{zone=\"a\"}",
    "{instance=~\"host-(1|3)\"}",
    "sum(size)",
    "sum by (zone) (rate(requests_total[5m]))",
    "count by (__name__, zone) ({n!=\"4\"})",
    "max by (instance) (size)",
    "avg without (n, zone) (size)",
    "topk(3, size)",
    "quantile by (zone) (0.5, ratio)",
    "increase(requests_total[1h])",
    "sum by (instance) (increase(requests_total[9h]))",
    "max_over_time(size[7h])",
    "sum by (zone) (sum_over_time(size[8h]))",
    "avg_over_time(ratio[7h])",
    "count_over_time(ratio[10h])",
    "changes(size[30m])",
    "size / on (instance, zone) group_left sum by (instance, zone) (size)",
    "requests_total and on (instance) size > 2000",
    "absent(size{n=\"1\"})",
    "max_over_time(sum by (zone) (rate(requests_total[5m]))[1h:5m])",
    "label_replace(size, \"host\", \"$1\", \"instance\", \"host-(.*)\")",
    "timestamp(size)",
    "sum(size offset 3h)",
};

constexpr int64_t kSteps[] = {15'000, kMinute, 7 * kMinute, kHour, 9 * kHour};
constexpr const char* kCachedQueries[] = {"size",
                                          "sum by (zone) (requests_total)",
                                          "increase(requests_total[10m])",
                                          "max_over_time(size[30m])",
                                          "count({n=\"40\"}) or vector(0)",
                                          "topk(2, size offset 10m)"};

TEST_F(QueryOverDbTest, AnswersAreThoseOverAPlainMapOfTheSamples) {
  Open(3 * kHour);
  promql::Engine engine(Options());
  promql::Engine alone{promql::EngineOptions{}};
  int64_t now = kStart;
  for (int round = 0; round < 6; round++) {
    for (int i = 0; i < 270; i++, now += kMinute) Append(now, 30 + 5 * round);
    for (int i = 0; i < 20; i++) {
      AppendLate(static_cast<int>(random_() % 30),
                 now - static_cast<int64_t>(random_() % (2 * kHour)));
    }
    if (round == 2) Delete(kStart + kHour, kStart + 5 * kHour, "host-2");
    if (round > 0) {
      for (int i = 0; i < 3; i++) ASSERT_TRUE(db_->MaintainHead().ok());
    }
    if (round >= 3) Compact();
    if (round == 4) Open(3 * kHour);
    testing_support::MemoryStorage plain;
    FillPlain(&plain);
    for (const char* query : kQueries) {
      for (int k = 0; k < 3; k++) {
        const int64_t back = static_cast<int64_t>(random_() % static_cast<uint64_t>(now - kStart));
        const int64_t end = k == 0 ? now : now - back;
        SCOPED_TRACE(std::string(query) + " at " + std::to_string(end) + " in round " +
                     std::to_string(round));
        ASSERT_EQ(Text(engine.Instant(*db_, query, end)), Text(alone.Instant(plain, query, end)));
      }
      const int64_t step = kSteps[random_() % std::size(kSteps)];
      const int64_t start = now - step * static_cast<int64_t>(10 + random_() % 60);
      SCOPED_TRACE(std::string(query) + " from " + std::to_string(start) + " step " +
                   std::to_string(step) + " in round " + std::to_string(round));
      ASSERT_EQ(Text(engine.Range(*db_, query, start, now, step)),
                Text(alone.Range(plain, query, start, now, step)));
    }
  }
}

TEST_F(QueryOverDbTest, CachedAnswersAreThoseWithoutTheCacheWhateverHappensToTheData) {
  for (const int64_t window : {int64_t{0}, 30 * kMinute, 3 * kHour}) {
    SCOPED_TRACE("window " + std::to_string(window));
    model_.clear();
    const TempDir dir;
    db_.reset();
    tsdb::DbOptions db_options;
    db_options.settings.out_of_order_window_ms = window;
    db_ = tsdb::OpenDb(dir.path(), db_options);
    promql::Engine cached(Options(8 << 20));
    promql::Engine engine(Options());
    int64_t now = kStart;
    for (int i = 0; i < 200; i++, now += kMinute) Append(now, 20);
    uint64_t hits = 0;
    for (int round = 0; round < 250; round++) {
      switch (random_() % 8) {
        case 0:
          AppendLate(static_cast<int>(random_() % 25),
                     now - static_cast<int64_t>(random_() % (4 * kHour)));
          break;
        case 1:
          if (random_() % 4 == 0) {
            const int64_t from = now - static_cast<int64_t>(random_() % (5 * kHour));
            Delete(from, from + 7 * kMinute, "host-" + std::to_string(random_() % 7));
          }
          break;
        case 2:
          ASSERT_TRUE(db_->MaintainHead().ok());
          break;
        case 3:
          if (random_() % 6 == 0) Compact();
          break;
        case 4: {
          // A transaction that another one overtakes by hours.
          if (random_() % 10 != 0) break;
          auto slow = db_->NewAppender({});
          ASSERT_TRUE(slow->Append(tsdb::Ref(slow.get(), Series(40)), now, 1, 0).ok());
          for (int i = 0; i < 130; i++, now += kMinute) Append(now, 20);
          (void)cached.Range(*db_, "count({n=\"40\"}) or vector(0)", now - 3 * kHour, now, kMinute);
          ASSERT_TRUE(slow->Commit().ok());
          break;
        }
        default:
          for (int i = 0; i < 3; i++, now += kMinute) Append(now, 20);
      }
      for (int k = 0; k < 2; k++) {
        const char* query = kCachedQueries[random_() % std::size(kCachedQueries)];
        // A dashboard: the last hours, moving on.
        const int64_t step = 5 * kMinute, end = now / step * step;
        const int64_t start = end - (random_() % 2 == 0 ? 3 : 5) * kHour;
        const promql::QueryResult got = cached.Range(*db_, query, start, end, step);
        hits += got.stats.cached_steps > 0 ? 1 : 0;
        ASSERT_EQ(Text(got), Text(engine.Range(*db_, query, start, end, step)))
            << query << " in round " << round;
      }
    }
    EXPECT_GT(hits, 20u);
    db_.reset();
  }
}

}  // namespace
}  // namespace deucalion

// Long windows answered from summaries must have the bits of those answered from samples.
#include "promql/exec/window_fold.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "model/value.h"
#include "promql/engine.h"
#include "tests/support/memory_storage.h"

namespace deucalion::promql {
namespace {

constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;

constexpr const char* kFunctions[] = {
    "rate",          "increase",        "delta",          "resets",
    "changes",       "sum_over_time",   "avg_over_time",  "min_over_time",
    "max_over_time", "count_over_time", "last_over_time", "present_over_time"};

class WindowFoldTest : public testing::Test {
 protected:
  // `kind` 0: a counter, mostly rising; 1: small whole numbers; 2: fractions; 3: anything.
  void Fill(std::mt19937* random, int kind, const std::string& name) {
    const Labels labels{{"__name__", name}};
    double v = 0;
    for (int64_t t = 0; t < 40 * kHour; t += kMinute / 2 + (*random)() % kMinute) {
      switch (kind) {
        case 0:
          v = (*random)() % 30 == 0 ? (*random)() % 5 : v + (*random)() % 100;
          break;
        case 1:
          v = static_cast<double>((*random)() % 9) - 4;
          break;
        case 2:
          v += static_cast<double>((*random)() % 1000) / 7 - 70;
          break;
        default:
          v = Odd(random);
      }
      if ((*random)() % 97 == 0) {
        t += (*random)() % (2 * kHour);  // a hole
        ASSERT_TRUE(storage_.Append(labels, t, std::bit_cast<double>(kStaleNanBits)).ok());
        continue;
      }
      ASSERT_TRUE(storage_.Append(labels, t, v).ok());
    }
  }
  static double Odd(std::mt19937* random) {
    constexpr double kOdd[] = {0,
                               -0.0,
                               1,
                               -1,
                               9007199254740991.0,
                               9007199254740993.0,
                               1e300,
                               0.1,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
    return kOdd[(*random)() % std::size(kOdd)];
  }

  QueryResult Ask(const std::string& query, bool summaries, int64_t start, int64_t end,
                  int64_t step) {
    storage_.OfferSummaries(summaries);
    return start == end ? engine_.Instant(storage_, query, start)
                        : engine_.Range(storage_, query, start, end, step);
  }

  void ExpectSame(const std::string& query, int64_t start, int64_t end, int64_t step) {
    const QueryResult got = Ask(query, true, start, end, step);
    const QueryResult want = Ask(query, false, start, end, step);
    ASSERT_TRUE(got.status.ok() && want.status.ok()) << query;
    EXPECT_EQ(got.stats.total_queryable_samples, want.stats.total_queryable_samples) << query;
    EXPECT_EQ(got.stats.samples_read, want.stats.samples_read) << query;
    if (start == end) {
      const auto &g = std::get<Vector>(got.value), &w = std::get<Vector>(want.value);
      ASSERT_EQ(g.size(), w.size()) << query << " at " << start;
      for (size_t i = 0; i < g.size(); i++) ExpectBits(g[i].value, w[i].value, query, start);
      return;
    }
    const auto &g = std::get<Matrix>(got.value), &w = std::get<Matrix>(want.value);
    ASSERT_EQ(g.size(), w.size()) << query;
    for (size_t i = 0; i < g.size(); i++) {
      ASSERT_EQ(g[i].times, w[i].times) << query;
      for (size_t k = 0; k < g[i].values.size(); k++) {
        ExpectBits(g[i].values[k], w[i].values[k], query, g[i].times[k]);
      }
    }
  }
  static void ExpectBits(double got, double want, const std::string& query, int64_t at) {
    EXPECT_EQ(std::bit_cast<uint64_t>(got), std::bit_cast<uint64_t>(want))
        << query << " at " << at << ": got " << got << ", want " << want;
  }

  testing_support::MemoryStorage storage_;
  Engine engine_{EngineOptions{}};
};

TEST_F(WindowFoldTest, SummariesGiveTheBitsOfTheSamplesAtRandomWindows) {
  for (uint32_t seed = 1; seed <= 5; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    storage_.Clear();
    for (int kind = 0; kind < 4; kind++) Fill(&random, kind, "m" + std::to_string(kind));
    for (int i = 0; i < 8; i++) {
      const std::string range = std::to_string(6 * 3600 + random() % (20 * 3600)) + "s";
      const int64_t at = static_cast<int64_t>(random() % (45 * kHour));
      for (const char* f : kFunctions) {
        for (int kind = 0; kind < 4; kind++) {
          ExpectSame(std::string(f) + "(m" + std::to_string(kind) + "[" + range + "])", at, at, 0);
        }
      }
    }
  }
}

TEST_F(WindowFoldTest, WindowsSideBySideAreSummarisedOneByOne) {
  std::mt19937 random(7);
  for (int kind = 0; kind < 4; kind++) Fill(&random, kind, "m" + std::to_string(kind));
  for (const char* f : kFunctions) {
    for (int kind = 0; kind < 4; kind++) {
      const std::string call = std::string(f) + "(m" + std::to_string(kind);
      ExpectSame(call + "[7h])", 8 * kHour, 40 * kHour, 7 * kHour);
      ExpectSame(call + "[6h])", 8 * kHour + 1, 40 * kHour, 9 * kHour);
      ExpectSame(call + "[6h] offset 1h)", 8 * kHour, 40 * kHour, 6 * kHour);
      ExpectSame(call + "[6h] @ 72000)", 8 * kHour, 40 * kHour, 6 * kHour);
    }
  }
}

TEST_F(WindowFoldTest, SeveralResetsInASliceAreNotGuessedAt) {
  RangeCall call{.id = FunctionId::kIncrease};
  WindowFold fold(call);
  fold.Clear();
  SliceSummary slice{.first_ms = 1, .last_ms = 9, .first = 1, .last = 2, .count = 5};
  slice.resets = 1;
  slice.correction = 0.5;
  fold.OnSlice(slice);
  EXPECT_TRUE(fold.exact());
  slice.resets = 2;
  fold.OnSlice(slice);
  EXPECT_FALSE(fold.exact());
}

}  // namespace
}  // namespace deucalion::promql

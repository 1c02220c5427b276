#include "promql/engine.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"
#include "promql/query_gate.h"
#include "promql/query_journal.h"
#include "tests/support/memory_storage.h"
#include "tests/support/temp_dir.h"

namespace deucalion::promql {
namespace {

using testing_support::MemoryStorage;

constexpr int64_t kMinute = 60'000;

// `series` series of x and y with `samples` samples a minute apart, none of them a round number.
void Fill(MemoryStorage* storage, int series, int samples) {
  for (int i = 0; i < series; i++) {
    for (const char* name : {"x", "y_total"}) {
      const Labels labels{
          {"__name__", name}, {"i", std::to_string(i)}, {"group", std::to_string(i % 7)}};
      for (int s = 0; s < samples; s++) {
        ASSERT_TRUE(storage->Append(labels, s * kMinute, std::sqrt(i * 31.0 + s * s) / 3).ok());
      }
    }
  }
}

const Vector& VectorOf(const QueryResult& r) { return std::get<Vector>(r.value); }
const Matrix& MatrixOf(const QueryResult& r) { return std::get<Matrix>(r.value); }

TEST(EngineTest, RefusesWhatDoesNotParseAsBadInput) {
  Engine engine(EngineOptions{});
  MemoryStorage storage;
  const QueryResult r = engine.Instant(storage, "sum(", 0);
  EXPECT_EQ(r.status.code(), StatusCode::kInvalidArgument);
}

TEST(EngineTest, RefusesRangeQueriesOfRangeVectors) {
  Engine engine(EngineOptions{});
  MemoryStorage storage;
  const QueryResult r = engine.Range(storage, "x[5m]", 0, kMinute, kMinute);
  EXPECT_EQ(r.status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(r.status.message(),
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
}

TEST(EngineTest, AnswersTheSameBitsWhateverTheNumberOfThreads) {
  MemoryStorage storage;
  Fill(&storage, 2000, 8);
  WorkerPool pool("test", 3);
  EngineOptions options;
  Engine alone(options);
  options.pool = &pool;
  Engine together(options);
  for (const char* query :
       {"sum(x)", "avg by (group) (x)", "stddev(x)", "sum by (group) (rate(y_total[3m]))",
        "quantile(0.3, x)", "topk(3, x)", "x + on(i) y_total", "count_values(\"v\", x % 2 > 1)"}) {
    const QueryResult a = alone.Range(storage, query, 0, 7 * kMinute, kMinute);
    const QueryResult b = together.Range(storage, query, 0, 7 * kMinute, kMinute);
    ASSERT_TRUE(a.status.ok()) << query << ": " << a.status.message();
    ASSERT_TRUE(b.status.ok()) << query << ": " << b.status.message();
    ASSERT_EQ(MatrixOf(a).size(), MatrixOf(b).size()) << query;
    for (size_t i = 0; i < MatrixOf(a).size(); i++) {
      const MatrixSeries &s = MatrixOf(a)[i], &t = MatrixOf(b)[i];
      EXPECT_EQ(s.labels, t.labels) << query;
      ASSERT_EQ(s.times, t.times) << query;
      for (size_t k = 0; k < s.values.size(); k++) {
        EXPECT_EQ(std::bit_cast<uint64_t>(s.values[k]), std::bit_cast<uint64_t>(t.values[k]))
            << query;
      }
    }
  }
}

TEST(EngineTest, DropsNamesAtOnceByDefault) {
  MemoryStorage storage;
  Fill(&storage, 2, 8);
  Engine engine(EngineOptions{});
  EXPECT_EQ(engine.Instant(storage, "sum by (__name__) (rate({i=\"0\"}[5m]))", 6 * kMinute)
                .status.message(),
            "vector cannot contain metrics with the same labelset");
  EXPECT_EQ(engine.Instant(storage, "-{i=\"0\"}", 6 * kMinute).status.message(),
            "vector cannot contain metrics with the same labelset");
  const QueryResult r = engine.Instant(storage, "abs(x{i=\"1\"})", 6 * kMinute);
  ASSERT_EQ(VectorOf(r).size(), 1u);
  EXPECT_EQ(VectorOf(r)[0].labels.ToString(), "{group=\"1\", i=\"1\"}");
}

struct Hostile {
  const char* query;
  int64_t range_ms;
  int64_t step_ms;
};

class HostileQueryTest : public testing::TestWithParam<Hostile> {};

TEST_P(HostileQueryTest, EndsInAClearErrorWithinItsBudget) {
  MemoryStorage storage;
  Fill(&storage, 600, 8);
  EngineOptions options;
  options.max_samples = 1'000'000;
  options.max_query_bytes = 64 << 20;
  options.timeout_ms = 20'000;
  Engine engine(options);
  const Hostile& h = GetParam();
  const QueryResult r = h.range_ms == 0 ? engine.Instant(storage, h.query, 7 * kMinute)
                                        : engine.Range(storage, h.query, 0, h.range_ms, h.step_ms);
  EXPECT_EQ(r.status.code(), StatusCode::kResourceExhausted) << r.status.message();
  EXPECT_LT(r.stats.peak_bytes, uint64_t{130} << 20);
}

INSTANTIATE_TEST_SUITE_P(
    Queries, HostileQueryTest,
    testing::Values(Hostile{"x", int64_t{365} * 86400'000, 1},
                    Hostile{"max_over_time(x[1y:1ms])", 0, 0}, Hostile{"x", 300 * kMinute, 1000},
                    Hostile{"label_replace(x, \"i\", \"$1-$1\", \"i\", \"(.*)\")", 300 * kMinute,
                            500},
                    Hostile{"count_values(\"v\", x) by (i)", 70 * kMinute, 1000},
                    Hostile{"max_over_time((x + on(i) group_left y_total)[1h:100ms])", 0, 0}));

TEST(EngineTest, StopsAtItsDeadline) {
  MemoryStorage storage;
  Fill(&storage, 1, 2);
  ManualClock clock;
  EngineOptions options;
  options.clock = &clock;
  // The clock stands still, so only a deadline of the past can pass.
  CancelToken client(&clock, 1);
  clock.AdvanceMs(10);
  QueryOptions query;
  query.cancel = &client;
  Engine engine(options);
  const QueryResult r = engine.Instant(storage, "x", kMinute, query);
  EXPECT_EQ(r.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(r.status.message(), "query timed out in expression evaluation");
}

TEST(EngineTest, StopsWhenTheClientHasGone) {
  MemoryStorage storage;
  Fill(&storage, 1, 2);
  CancelToken client;
  client.Cancel();
  QueryOptions query;
  query.cancel = &client;
  Engine engine(EngineOptions{});
  const QueryResult r = engine.Instant(storage, "sum(x)", kMinute, query);
  EXPECT_EQ(r.status.code(), StatusCode::kCanceled);
  EXPECT_EQ(r.status.message(), "query was canceled in expression evaluation");
}

TEST(EngineTest, CountsSamplesPerStep) {
  MemoryStorage storage;
  Fill(&storage, 3, 8);
  EngineOptions options;
  options.per_step_stats = true;
  QueryOptions query;
  query.per_step_stats = true;
  Engine engine(options);
  const QueryResult r = engine.Range(storage, "sum(count_over_time(x[2m]))", 4 * kMinute,
                                     6 * kMinute, kMinute, query);
  EXPECT_EQ(r.stats.total_queryable_samples, 3u * 3 * 2);
  EXPECT_EQ(r.stats.samples_read, 3u * 4);  // every sample once
  ASSERT_EQ(r.stats.per_step.size(), 3u);
  EXPECT_EQ(r.stats.per_step[1].time_ms, 5 * kMinute);
  EXPECT_EQ(r.stats.per_step[1].queryable, 6u);
  EXPECT_EQ(r.stats.per_step[1].read, 3u);
}

TEST(EngineTest, CountsSamplesThatNoFunctionLooksAt) {
  MemoryStorage storage;
  Fill(&storage, 3, 8);
  Engine engine(EngineOptions{});
  const auto queryable = [&](std::string_view query) {
    const QueryResult r = engine.Instant(storage, query, 4 * kMinute);
    EXPECT_TRUE(r.status.ok()) << query << ": " << r.status.message();
    return r.stats.total_queryable_samples;
  };
  EXPECT_EQ(queryable("x[2m:1m]"), 3u * 2);
  EXPECT_EQ(queryable("(sum(x))[2m:1m]"), 3u * 2);
  EXPECT_EQ(queryable("topk(0, x)"), 3u);
}

TEST(EngineTest, MergesSeriesThatAreAlikeWithoutTheirNames) {
  MemoryStorage storage;
  ASSERT_TRUE(storage.Append(Labels{{"__name__", "early"}}, 0, 1).ok());
  ASSERT_TRUE(storage.Append(Labels{{"__name__", "late"}}, 10 * kMinute, 2).ok());
  EngineOptions options;
  options.binop_fill_modifiers = true;
  Engine engine(options);
  for (std::string_view query : {
           "abs({__name__=~\"early|late\"})",
           "abs({__name__=~\"early|late\"} atan2 1)",
           "abs(count_values(\"__name__\", {__name__=~\"early|late\"}))",
           "-(early != fill(0) late)",
       }) {
    const QueryResult r = engine.Range(storage, query, 0, 10 * kMinute, 10 * kMinute);
    ASSERT_TRUE(r.status.ok()) << query << ": " << r.status.message();
    ASSERT_EQ(MatrixOf(r).size(), 1u) << query;
    EXPECT_TRUE(MatrixOf(r)[0].labels.empty()) << query;
    EXPECT_EQ(MatrixOf(r)[0].times.size(), 2u) << query;
  }
}

TEST(EngineTest, TellsWhatEachNodeDid) {
  MemoryStorage storage;
  Fill(&storage, 14, 8);
  QueryOptions query;
  query.per_node_stats = true;
  Engine engine(EngineOptions{});
  const QueryResult r = engine.Range(storage, "sum by (group) (rate(y_total[2m])) > 0", 4 * kMinute,
                                     6 * kMinute, kMinute, query);
  ASSERT_TRUE(r.status.ok());
  ASSERT_GE(r.stats.nodes.size(), 4u);
  EXPECT_EQ(r.stats.nodes[0].text, "sum by (group) (rate(y_total[2m])) > 0");
  EXPECT_EQ(r.stats.nodes[1].text, "sum by (group) (rate(y_total[2m]))");
  EXPECT_EQ(r.stats.nodes[1].series_in, 14u);
  EXPECT_EQ(r.stats.nodes[1].series_out, 7u);
  EXPECT_EQ(r.stats.nodes[1].depth, 1);
  EXPECT_EQ(r.stats.nodes[2].series_out, 14u);
}

TEST(EngineTest, WritesQueriesToTheLog) {
  TempDir dir;
  MemoryStorage storage;
  Engine engine(EngineOptions{});
  const std::string path = JoinPath(dir.path(), "queries.log");
  ASSERT_TRUE(engine.SetQueryLogFile(path).ok());
  QueryOptions query;
  query.origin_name = "httpRequest";
  query.origin = {{"clientIP", "127.0.0.1"}, {"method", "GET"}, {"path", "/api/v1/query"}};
  engine.Range(storage, "up \"", 1000, 61'500, 30'000);
  engine.Range(storage, "vector(1)", 1000, 61'500, 30'000, query);
  ASSERT_TRUE(engine.SetQueryLogFile("").ok());
  engine.Instant(storage, "vector(2)", 0);
  const std::string log = FileSystem::Posix()->ReadFile(path).value();
  EXPECT_NE(log.find("\"params\":{\"end\":\"1970-01-01T00:01:01.500Z\",\"query\":\"vector(1)\","
                     "\"start\":\"1970-01-01T00:00:01.000Z\",\"step\":30}"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("\"httpRequest\":{\"clientIP\":\"127.0.0.1\",\"method\":\"GET\","
                     "\"path\":\"/api/v1/query\"}}\n"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("\"error\":\""), std::string::npos) << log;
  EXPECT_EQ(log.find("vector(2)"), std::string::npos) << log;
}

TEST(QueryJournalTest, TextsAreJsonWhateverTheyHold) {
  const struct {
    std::string_view text, want;
  } cases[] = {{"", "\"\""},
               {"up{a=\"b\"}", "\"up{a=\\\"b\\\"}\""},
               {"a\\b\n\r\t\x01z\x7f", "\"a\\\\b\\n\\r\\t\\u0001z\x7f\""},
               {"h\xc3\xa9 \xf0\x9f\x8c\x8a", "\"h\xc3\xa9 \xf0\x9f\x8c\x8a\""},
               {"\xff"
                "a\xc3",
                "\"\\ufffda\\ufffd\""}};
  for (const auto& c : cases) EXPECT_EQ(JsonString(c.text), c.want);
}

TEST(QueryJournalTest, NamesTheQueriesOfACrash) {
  TempDir dir;
  const std::string path = JoinPath(dir.path(), "queries.active");
  {
    auto journal = QueryJournal::Open(FileSystem::Posix(), path, 3, nullptr);
    ASSERT_TRUE(journal.ok());
    const int first = (*journal)->Insert("up", 17);
    EXPECT_GE((*journal)->Insert("sum(\"\n\")" + std::string(5000, 'x'), 18), 0);
    EXPECT_GE((*journal)->Insert("third", 19), 0);
    EXPECT_EQ((*journal)->Insert("one too many", 20), -1);
    (*journal)->Remove(first);
  }
  const std::string left = UnfinishedQueries(FileSystem::Posix()->ReadFile(path).value());
  EXPECT_EQ(left.front(), '[');
  EXPECT_EQ(left.back(), ']');
  EXPECT_EQ(left.find("\"up\""), std::string::npos);
  EXPECT_NE(left.find("{\"query\":\"sum(\\\"\\n\\\")xxx"), std::string::npos);
  EXPECT_NE(left.find("{\"query\":\"third\",\"timestamp_sec\":19}"), std::string::npos);
  ASSERT_TRUE(QueryJournal::Open(FileSystem::Posix(), path, 3, nullptr).ok());
  EXPECT_EQ(UnfinishedQueries(FileSystem::Posix()->ReadFile(path).value()), "");
}

TEST(QueryGateTest, LetsTheNextInWhenOneLeaves) {
  QueryGate gate(1);
  const CancelToken forever;
  ASSERT_TRUE(gate.Enter(forever, nullptr).ok());
  CancelToken gone;
  gone.Cancel();
  EXPECT_EQ(gate.Enter(forever, &gone).code(), StatusCode::kCanceled);
  std::atomic<bool> inside{false};
  std::thread other([&] {
    ASSERT_TRUE(gate.Enter(forever, nullptr).ok());
    inside = true;
    gate.Leave();
  });
  EXPECT_FALSE(inside);
  gate.Leave();
  other.join();
  EXPECT_TRUE(inside);
}

}  // namespace
}  // namespace deucalion::promql

#include "server/api/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "model/value.h"
#include "server/api/query_json.h"

namespace deucalion::api {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

TEST(JsonTest, EscapesWhatJsonCannotCarryAndReplacesBrokenUtf8) {
  EXPECT_EQ(Quoted("plain é 😀"), "\"plain é 😀\"");
  EXPECT_EQ(Quoted("a\"b\\c\n\r\t\x01"), R"("a\"b\\c\n\r\t\u0001")");
  EXPECT_EQ(Quoted("x\xff"
                   "y\xc3"),
            R"("x\ufffdy\ufffd")");
  EXPECT_EQ(Quoted(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonTest, PointsCarrySecondsAndTextValues) {
  const struct {
    int64_t ms;
    double value;
    const char* want;
  } cases[] = {
      {1500, 1, R"([1.500,"1"])"},
      {0, 0.1, R"([0,"0.1"])"},
      {-1, -0.0, R"([-0.001,"-0"])"},
      {1000, std::numeric_limits<double>::infinity(), R"([1,"+Inf"])"},
      {1000, NormalNan(), R"([1,"NaN"])"},
      {1000, 1e21, R"([1,"1e+21"])"},
      {1000, 1e-7, R"([1,"1e-07"])"},
      {1000, 123456789012345678.0, R"([1,"123456789012345680"])"},
  };
  for (const auto& c : cases) {
    std::string out;
    AppendJsonPoint(&out, c.ms, c.value);
    EXPECT_EQ(out, c.want);
  }
}

TEST(JsonTest, HistogramsLeaveOutEmptyBucketsAndNameTheirRule) {
  FloatHistogram h;
  h.schema = 0;
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.count = 4;
  h.sum = 5.5;
  h.positive_spans = {{0, 3}};
  h.positive_buckets = {1, 0, 2};
  std::string out;
  AppendJsonHistogramPoint(&out, 1000, h);
  EXPECT_EQ(out, R"([1,{"count":"4","sum":"5.5","buckets":[[3,"-0.001","0.001","1"],)"
                 R"([0,"0.5","1","1"],[0,"2","4","2"]]}])");
  out.clear();
  AppendJsonHistogramPoint(&out, 0, FloatHistogram());
  EXPECT_EQ(out, R"([0,{"count":"0","sum":"0"}])");
}

promql::QueryResult MatrixResult(size_t series, size_t points) {
  promql::Matrix matrix(series);
  for (size_t s = 0; s < series; s++) {
    matrix[s].labels = Labels{{"s", std::to_string(s)}};
    for (size_t p = 0; p < points; p++) {
      matrix[s].times.push_back(static_cast<int64_t>(p) * 1000);
      matrix[s].values.push_back(static_cast<double>(p));
    }
  }
  promql::QueryResult result;
  result.value = std::move(matrix);
  return result;
}

TEST(QueryJsonTest, ASmallResultIsHeldInMemory) {
  http::Response response;
  RespondQuery(MatrixResult(1, 2), {{"careful"}, {}}, StatsMode::kNone, &response);
  EXPECT_EQ(response.source, nullptr);
  EXPECT_EQ(response.body,
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"s":"0"},)"
            R"("values":[[0,"0"],[1,"1"]]}]},"warnings":["careful"]})");
}

TEST(QueryJsonTest, ALargeResultIsStreamedInPiecesAndReadsTheSame) {
  http::Response response;
  RespondQuery(MatrixResult(3, 20'000), {}, StatsMode::kNone, &response);
  ASSERT_NE(response.source, nullptr);
  std::string all = response.body;
  for (bool more = true; more;) {
    std::string piece;
    const auto next = response.source->Next(&piece);
    ASSERT_TRUE(next.ok());
    more = *next;
    EXPECT_LT(piece.size(), 200u << 10);
    all += piece;
  }
  EXPECT_TRUE(all.ends_with(R"([19999,"19999"]]}]}})")) << all.substr(all.size() - 100);
  EXPECT_EQ(std::count(all.begin(), all.end(), '['), 3 * (20'000 + 1) + 1);
}

std::string WholeBody(http::Response response) {
  std::string all = response.body;
  for (bool more = response.source != nullptr; more;) {
    const auto next = response.source->Next(&all);
    more = next.ok() && *next;
  }
  return all;
}

TEST(QueryJsonTest, APieceMayEndAnywhereInASeries) {
  // Labels of many lengths move the end of the first piece over every place of a series.
  for (size_t pad = 0; pad < 60; pad++) {
    promql::QueryResult result = MatrixResult(3000, 1);
    auto& matrix = std::get<promql::Matrix>(result.value);
    matrix[0].labels = Labels{{"pad", std::string(pad + 1, 'p')}};
    http::Response response;
    RespondQuery(std::move(result), {}, StatsMode::kNone, &response);
    const std::string all = WholeBody(std::move(response));
    size_t series = 0;
    for (size_t at = 0; (at = all.find("\"values\":[[0,\"0\"]]}", at)) != std::string::npos; at++)
      series++;
    ASSERT_EQ(series, 3000u) << pad;
    ASSERT_EQ(std::count(all.begin(), all.end(), '{'), 2 + 2 * 3000) << pad;
  }
}

TEST(QueryJsonTest, EmptyResultsAreEmptyLists) {
  http::Response response;
  promql::QueryResult result;
  result.value = promql::Vector();
  RespondQuery(std::move(result), {}, StatsMode::kNone, &response);
  EXPECT_EQ(response.body, R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}

}  // namespace
}  // namespace deucalion::api

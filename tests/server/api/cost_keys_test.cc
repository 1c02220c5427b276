#include "server/api/cost_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace deucalion::api {
namespace {

http::Request Get(const std::string& path, const std::string& query) {
  http::Request request;
  request.method = "GET";
  request.path = path;
  request.query = query;
  return request;
}

http::Request Post(const std::string& body, const std::string& query = "") {
  http::Request request = Get("/api/v1/query", query);
  request.method = "POST";
  request.body = body;
  return request;
}

uint64_t Range(const std::string& query) {
  return RangeCostKey(Get("/api/v1/query_range", query));
}

TEST(CostKeysTest, InstantQueriesOfOneTextWhateverTheirTime) {
  const uint64_t up = QueryCostKey(Get("/api/v1/query", "query=up&time=1"));
  EXPECT_NE(up, 0u);
  EXPECT_EQ(QueryCostKey(Get("/api/v1/query", "time=2&query=up")), up);
  EXPECT_EQ(QueryCostKey(Post("query=up")), up);
  EXPECT_EQ(QueryCostKey(Post("query=up", "query=down")), up);  // the body's is the one that counts
  EXPECT_NE(QueryCostKey(Get("/api/v1/query", "query=upper")), up);
}

TEST(CostKeysTest, NothingIsSaidOfRequestsThatDoNotCome) {
  EXPECT_EQ(QueryCostKey(Get("/api/v1/query", "")), 0u);
  EXPECT_EQ(QueryCostKey(Get("/api/v1/query", "time=1&subquery=up")), 0u);
  EXPECT_EQ(QueryCostKey(Post("query=" + std::string(10 << 10, 'x'))), 0u);
  EXPECT_EQ(SelectionCostKey(Post("match[]=" + std::string(10 << 10, 'x'))), 0u);
}

TEST(CostKeysTest, RangesOfOneLengthAndStepWheneverTheyBegin) {
  const uint64_t hour = Range("query=up&start=1000&end=4600&step=15");
  EXPECT_NE(hour, 0u);
  EXPECT_EQ(Range("query=up&start=2000.25&end=5600.5&step=15"), hour);  // to the second
  EXPECT_NE(Range("query=up&start=1000&end=8200&step=15"), hour);
  EXPECT_NE(Range("query=up&start=1000&end=4600&step=30"), hour);
  EXPECT_NE(Range("query=down&start=1000&end=4600&step=15"), hour);
  EXPECT_NE(Range("query=up&start=1000&end=4600&step=15"),
            QueryCostKey(Get("/api/v1/query", "query=up")));
}

TEST(CostKeysTest, RangesWithOtherTimesThanNumbersAreNotKnown) {
  EXPECT_EQ(Range("query=up&start=2020-01-01T00:00:00Z&end=4600&step=15"), 0u);
  EXPECT_EQ(Range("query=up&end=4600&step=15"), 0u);
}

TEST(CostKeysTest, SelectionsByPathAndSelectors) {
  const uint64_t series = SelectionCostKey(Get("/api/v1/series", "match[]=up&start=1&end=2"));
  EXPECT_NE(series, 0u);
  EXPECT_EQ(SelectionCostKey(Get("/api/v1/series", "start=5&match[]=up")), series);
  EXPECT_NE(SelectionCostKey(Get("/api/v1/series", "match[]=up&match[]=down")), series);
  EXPECT_NE(SelectionCostKey(Get("/api/v1/labels", "match[]=up")), series);
}

}  // namespace
}  // namespace deucalion::api

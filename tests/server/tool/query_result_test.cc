#include "server/tool/query_result.h"

#include <gtest/gtest.h>

namespace deucalion::tool {
namespace {

constexpr char kHistogram[] =
    R"({"count":"4","sum":"30.5","buckets":[[3,"-0.001","0.001","1"],[0,"1","10","2"],[1,"-2","-1","1"]]})";

// A successful body around `data`.
std::string Body(const std::string& data) { return R"({"status":"success","data":)" + data + "}"; }
std::string Body(const std::string& type, const std::string& result) {
  return Body(R"({"resultType":")" + type + R"(","result":)" + result + "}");
}

TEST(ToolQueryResultTest, PrintsEveryKindOfValue) {
  const std::string histogram = kHistogram;
  const std::string text_histogram =
      "Count: 4.000000, Sum: 30.500000, Buckets: [[-0.001,0.001]:1 (1,10]:2 [-2,-1):1]";
  struct {
    std::string type;
    std::string result;
    std::string want_text;
    std::string want_json;  // "": as `result`
  } cases[] = {
      {"scalar", R"([1435781430.781,"1e300"])",
       "scalar: 1" + std::string(300, '0') + " @[1435781430.781]",
       "[1435781430.781,\"1" + std::string(300, '0') + "\"]"},
      {"string", R"([1.5,"a\"<b>"])", "a\"<b>", R"([1.5,"a\"\u003cb\u003e"])"},
      {"vector", "[]", "", ""},
      {"vector",
       R"([{"metric":{"__name__":"up","b":"x","a":"\"\n"},"value":[10,"NaN"]},)"
       R"({"metric":{},"value":[0,"-Inf"]},{"metric":{"__name__":"n"},"value":[0,"0.25"]}])",
       "up{a=\"\\\"\\n\", b=\"x\"} => NaN @[10]\n{} => -Inf @[0]\nn => 0.25 @[0]",
       R"([{"metric":{"__name__":"up","a":"\"\n","b":"x"},"value":[10,"NaN"]},)"
       R"({"metric":{},"value":[0,"-Inf"]},{"metric":{"__name__":"n"},"value":[0,"0.25"]}])"},
      {"vector", R"([{"metric":{"a":"b"},"histogram":[1.25,)" + histogram + "]}]",
       "{a=\"b\"} => " + text_histogram + " @[1.25]", ""},
      {"matrix",
       R"([{"metric":{"a":"b"},"values":[[1,"2"],[2.001,"3"]]},{"metric":{},"values":[]}])",
       "{a=\"b\"} =>\n2 @[1]\n3 @[2.001]\n{} =>", ""},
      {"matrix",
       R"([{"metric":{},"values":[[1,"2"]],"histograms":[[2,)" + histogram + R"(]]},)" +
           R"({"metric":{},"histograms":[[2,)" + histogram + "]]}]",
       "{} =>\n2 @[1]\n" + text_histogram + " @[2]\n{} =>\n" + text_histogram + " @[2]", ""},
  };
  for (const auto& c : cases) {
    const auto value = DecodeQueryValue(200, Body(c.type, c.result));
    ASSERT_TRUE(value.ok()) << c.result << ": " << value.status().message();
    EXPECT_EQ(TextOf(value->data), c.want_text);
    EXPECT_EQ(JsonOf(value->data), c.want_json.empty() ? c.result : c.want_json);
  }
}

TEST(ToolQueryResultTest, ReadsSeriesNamesAndWarnings) {
  const auto series = DecodeSeries(200, Body(R"([{"__name__":"up","b":"\\"},{}])"));
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(TextOf(series->data[0]), R"({__name__="up", b="\\"})");
  EXPECT_EQ(TextOf(series->data[1]), "{}");
  EXPECT_EQ(JsonOf(series->data), R"([{"__name__":"up","b":"\\"},{}])");
  const auto names =
      DecodeNames(200, R"({"status":"success","data":["a","&"],"warnings":["careful"]})");
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(JsonOf(names->data), R"(["a","\u0026"])");
  EXPECT_EQ(names->warnings, std::vector<std::string>{"careful"});
  EXPECT_TRUE(DecodeNames(200, Body("null"))->data.empty());
}

TEST(ToolQueryResultTest, ReportsWhatTheServerSaysOrThatItMakesNoSense) {
  const std::string error = R"({"status":"error","errorType":"bad_data","error":"no"})";
  struct {
    int status;
    std::string body;
    std::string want;
  } cases[] = {
      {400, error, "bad_data: no"},
      {422, R"({"status":"error","errorType":"execution","error":"x"})", "execution: x"},
      {200, error, "bad_response: inconsistent body for response code"},
      {400, Body("vector", "[]"), "bad_response: inconsistent body for response code"},
      {404, "not here\n", "client_error: client error: 404 (detail: not here)"},
      {503, "", "server_error: server error: 503"},
      {301, "", "bad_response: bad response code 301"},
      {200, "", "bad_response: "},
      {200, "<html>", "bad_response: "},
      {200, "[]", "bad_response: "},
      {200, R"({"status":"success"})", "bad_response: "},
      {200, Body("{}"), "bad_response: "},
      {200, Body("tensor", "[]"), "bad_response: unexpected value type \"tensor\""},
      {200, Body("vector", R"([{"metric":{}}])"), "bad_response: "},
      {200, Body("vector", R"([{"metric":{"a":1},"value":[1,"2"]}])"), "bad_response: "},
      {200, Body("vector", R"([{"metric":{},"value":[1,"x"]}])"), "bad_response: "},
      {200, Body("vector", R"([{"metric":{},"value":[1e300,"1"]}])"), "bad_response: "},
      {200, Body("matrix", R"([{"metric":{},"values":[[1]]}])"), "bad_response: "},
      {200, Body("scalar", R"("1")"), "bad_response: "},
      {200, std::string(100'000, '['), "bad_response: "},
  };
  for (const auto& c : cases) {
    const auto value = DecodeQueryValue(c.status, c.body);
    ASSERT_FALSE(value.ok()) << c.body;
    EXPECT_TRUE(value.status().message().starts_with(c.want)) << value.status().message();
  }
}

}  // namespace
}  // namespace deucalion::tool

#include "server/remote/otlp/otlp_request.h"

#include <gtest/gtest.h>

#include "tests/support/wire_writer.h"

namespace deucalion::remote {
namespace {

WireWriter& Fixed(WireWriter& out, uint32_t field, uint64_t value) {
  return out.Double(field, std::bit_cast<double>(value));
}

std::string Attribute(std::string_view key, std::string_view text) {
  return WireWriter().Bytes(1, key).Bytes(2, WireWriter().Bytes(1, text).str()).str();
}

// Everything a request can have, once.
std::string WholeProtobuf() {
  WireWriter exemplar;
  exemplar.Bytes(7, Attribute("user", "u")).Double(3, 1.5).Bytes(4, "\x01\x02").Bytes(5, "\xab");
  Fixed(exemplar, 2, 5);
  WireWriter sum_point;
  sum_point.Bytes(7, Attribute("a", "1")).Bytes(5, exemplar.str()).Varint(8, 0);
  Fixed(sum_point, 2, 1);
  Fixed(sum_point, 3, 2);
  Fixed(sum_point, 6, static_cast<uint64_t>(int64_t{-7}));
  const std::string sum = WireWriter().Bytes(1, sum_point.str()).Varint(2, 2).Varint(3, 1).str();

  WireWriter histogram_point;
  std::string counts, bounds;
  for (const uint64_t n : {3, 4}) PutFixed64(&counts, n);
  PutDouble(&bounds, 0.5);
  histogram_point.Bytes(9, Attribute("b", "2")).Double(5, 9).Bytes(6, counts).Bytes(7, bounds);
  Fixed(histogram_point, 4, 7);
  const std::string histogram = WireWriter().Bytes(1, histogram_point.str()).Varint(2, 1).str();

  WireWriter exponential_point;
  exponential_point.SInt(6, -3).Bytes(8, WireWriter().SInt(1, -2).Packed(2, {1, 0, 5}).str());
  exponential_point.Varint(10, 1);
  Fixed(exponential_point, 7, 6);
  const std::string exponential = WireWriter().Bytes(1, exponential_point.str()).str();

  WireWriter summary_point;
  summary_point.Double(5, 2.5).Bytes(6, WireWriter().Double(1, 0.9).Double(2, 4).str());
  Fixed(summary_point, 4, 8);
  const std::string summary = WireWriter().Bytes(1, summary_point.str()).str();

  const std::string gauge = WireWriter().Bytes(1, WireWriter().Double(4, 0.25).str()).str();
  const auto metric = [](const char* name, uint32_t field, const std::string& data) {
    return WireWriter().Bytes(1, name).Bytes(2, "help").Bytes(3, "s").Bytes(field, data).str();
  };
  const std::string scope =
      WireWriter()
          .Bytes(1, WireWriter().Bytes(1, "lib").Bytes(2, "v1").Bytes(3, Attribute("k", "v")).str())
          .Bytes(2, metric("g", 5, gauge))
          .Bytes(2, metric("s", 7, sum))
          .Bytes(2, metric("h", 9, histogram))
          .Bytes(2, metric("e", 10, exponential))
          .Bytes(2, metric("q", 11, summary))
          .Bytes(3, "http://schema")
          .str();
  const std::string resource =
      WireWriter()
          .Bytes(1, WireWriter().Bytes(1, Attribute("service.name", "app")).str())
          .Bytes(2, scope)
          .str();
  return WireWriter().Bytes(1, resource).str();
}

constexpr const char* kWholeJson = R"({"resourceMetrics": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]},
  "scopeMetrics": [{
    "scope": {"name": "lib", "version": "v1",
              "attributes": [{"key": "k", "value": {"stringValue": "v"}}]},
    "schemaUrl": "http://schema",
    "metrics": [
      {"name": "g", "description": "help", "unit": "s", "gauge": {"dataPoints": [{"asDouble": 0.25}]}},
      {"name": "s", "description": "help", "unit": "s", "sum": {
        "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "isMonotonic": true,
        "dataPoints": [{"attributes": [{"key": "a", "value": {"stringValue": "1"}}],
          "startTimeUnixNano": "1", "timeUnixNano": 2, "asInt": "-7",
          "exemplars": [{"filteredAttributes": [{"key": "user", "value": {"stringValue": "u"}}],
            "timeUnixNano": "5", "asDouble": 1.5, "spanId": "0102", "traceId": "ab"}]}]}},
      {"name": "h", "description": "help", "unit": "s", "histogram": {
        "aggregation_temporality": 1,
        "data_points": [{"attributes": [{"key": "b", "value": {"string_value": "2"}}],
          "count": "7", "sum": 9, "bucketCounts": ["3", 4], "explicitBounds": [0.5]}]}},
      {"name": "e", "description": "help", "unit": "s", "exponentialHistogram": {
        "dataPoints": [{"scale": -3, "zeroCount": "6", "flags": 1,
          "positive": {"offset": -2, "bucketCounts": ["1", "0", "5"]}}]}},
      {"name": "q", "description": "help", "unit": "s", "summary": {
        "dataPoints": [{"count": 8, "sum": 2.5, "quantileValues": [{"quantile": 0.9, "value": 4}]}]}}
    ]}]}]})";

void ExpectWhole(const Result<OtlpRequest>& parsed) {
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ASSERT_EQ(parsed->size(), 1u);
  const OtlpResource& resource = (*parsed)[0];
  EXPECT_EQ(resource.attributes, (OtlpAttributes{{"service.name", "app"}}));
  ASSERT_EQ(resource.scopes.size(), 1u);
  const OtlpScope& scope = resource.scopes[0];
  EXPECT_EQ(scope.name + scope.version + scope.schema_url, "libv1http://schema");
  EXPECT_EQ(scope.attributes, (OtlpAttributes{{"k", "v"}}));
  ASSERT_EQ(scope.metrics.size(), 5u);
  for (const OtlpMetric& metric : scope.metrics) {
    EXPECT_EQ(metric.description + metric.unit, "helps");
    ASSERT_EQ(metric.points.size(), 1u) << metric.name;
  }
  EXPECT_EQ(scope.metrics[0].kind, OtlpKind::kGauge);
  EXPECT_EQ(scope.metrics[0].points[0].value, 0.25);

  const OtlpMetric& sum = scope.metrics[1];
  EXPECT_EQ(sum.kind, OtlpKind::kSum);
  EXPECT_TRUE(sum.monotonic);
  EXPECT_EQ(sum.temporality, OtlpTemporality::kCumulative);
  EXPECT_EQ(sum.points[0].attributes, (OtlpAttributes{{"a", "1"}}));
  EXPECT_EQ(sum.points[0].value, -7);
  EXPECT_EQ(sum.points[0].start_ns, 1u);
  EXPECT_EQ(sum.points[0].time_ns, 2u);
  ASSERT_EQ(sum.points[0].exemplars.size(), 1u);
  const OtlpExemplar& exemplar = sum.points[0].exemplars[0];
  EXPECT_EQ(exemplar.attributes, (OtlpAttributes{{"user", "u"}}));
  EXPECT_EQ(exemplar.time_ns, 5u);
  EXPECT_EQ(exemplar.value, 1.5);
  EXPECT_EQ(exemplar.span_id + "/" + exemplar.trace_id, "0102/ab");

  const OtlpMetric& histogram = scope.metrics[2];
  EXPECT_EQ(histogram.kind, OtlpKind::kHistogram);
  EXPECT_EQ(histogram.temporality, OtlpTemporality::kDelta);
  EXPECT_EQ(histogram.points[0].count, 7u);
  EXPECT_TRUE(histogram.points[0].has_sum);
  EXPECT_EQ(histogram.points[0].sum, 9);
  EXPECT_EQ(histogram.points[0].counts, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(histogram.points[0].bounds, (std::vector<double>{0.5}));

  const OtlpPoint& exponential = scope.metrics[3].points[0];
  EXPECT_EQ(scope.metrics[3].kind, OtlpKind::kExponential);
  EXPECT_EQ(scope.metrics[3].temporality, OtlpTemporality::kUnspecified);
  EXPECT_EQ(exponential.scale, -3);
  EXPECT_EQ(exponential.zero_count, 6u);
  EXPECT_TRUE(exponential.no_value);
  EXPECT_FALSE(exponential.has_sum);
  EXPECT_EQ(exponential.positive.offset, -2);
  EXPECT_EQ(exponential.positive.counts, (std::vector<uint64_t>{1, 0, 5}));

  const OtlpPoint& summary = scope.metrics[4].points[0];
  EXPECT_EQ(scope.metrics[4].kind, OtlpKind::kSummary);
  EXPECT_EQ(summary.count, 8u);
  EXPECT_EQ(summary.sum, 2.5);
  EXPECT_EQ(summary.quantiles, (std::vector<std::pair<double, double>>{{0.9, 4}}));
}

TEST(OtlpRequestTest, BothFormsSayTheSame) {
  ExpectWhole(ParseOtlpProtobuf(WholeProtobuf()));
  ExpectWhole(ParseOtlpJson(kWholeJson));
}

TEST(OtlpRequestTest, ValuesBecomeTextAsInGo) {
  const auto text = [](const std::string& value) {
    const auto parsed = ParseOtlpJson(
        R"({"resourceMetrics": [{"resource": {"attributes": [{"key": "k", "value": )" + value +
        "}]}}]}");
    EXPECT_TRUE(parsed.ok());
    return parsed.ok() ? (*parsed)[0].attributes[0].second : "";
  };
  EXPECT_EQ(text(R"({"stringValue": "a<b"})"), "a<b");
  EXPECT_EQ(text(R"({"boolValue": true})"), "true");
  EXPECT_EQ(text(R"({"intValue": "-9007199254740993"})"), "-9007199254740993");
  EXPECT_EQ(text(R"({"doubleValue": 0.5})"), "0.5");
  EXPECT_EQ(text(R"({"doubleValue": 1e21})"), "1e+21");
  EXPECT_EQ(text(R"({"bytesValue": "AQI="})"), "AQI=");
  EXPECT_EQ(text(R"({"arrayValue": {"values": [{"stringValue": "a<\""}, {"intValue": 1}, {}]}})"),
            "[\"a\\u003c\\\"\",1,null]");
  EXPECT_EQ(text(R"({"kvlistValue": {"values": [{"key": "z", "value": {"boolValue": false}},
                                               {"key": "b", "value": {"doubleValue": 2}}]}})"),
            "{\"b\":2,\"z\":false}");
  EXPECT_EQ(text("{}"), "");
  EXPECT_EQ(text("7"), "");
}

TEST(OtlpRequestTest, EveryTruncationIsAnErrorOrLess) {
  const std::string whole = WholeProtobuf();
  for (size_t n = 0; n < whole.size(); n++) {
    const auto parsed = ParseOtlpProtobuf(std::string_view(whole).substr(0, n));
    EXPECT_EQ(parsed.ok(), n == 0) << n;
  }
  const std::string json = kWholeJson;
  for (size_t n = 0; n < json.size(); n += 7) {
    EXPECT_FALSE(ParseOtlpJson(std::string_view(json).substr(0, n)).ok()) << n;
  }
  for (const char* odd : {"", "[]", "7", "{\"resourceMetrics\": 7}", "{\"resourceMetrics\": [7]}",
                          "{\"resourceMetrics\": [{\"scopeMetrics\": {}}]}"}) {
    (void)ParseOtlpJson(odd);
  }
}

TEST(OtlpRequestTest, AFewBytesDoNotBecomeGigabytes) {
  // Empty points: two bytes each.
  std::string points;
  for (int i = 0; i < 6'000'000; i++) points += std::string("\x0a\x00", 2);
  const std::string metric = WireWriter().Bytes(5, points).str();
  const std::string scope = WireWriter().Bytes(2, metric).str();
  const std::string request = WireWriter().Bytes(1, WireWriter().Bytes(2, scope).str()).str();
  EXPECT_EQ(ParseOtlpProtobuf(request).status().message(), "OTLP request unpacks to too much");
  // Values in values.
  std::string value = WireWriter().Bytes(1, "x").str();
  for (int i = 0; i < 1000; i++) {
    value = WireWriter().Bytes(5, WireWriter().Bytes(1, value).str()).str();
  }
  const std::string attribute = WireWriter().Bytes(1, "k").Bytes(2, value).str();
  const std::string deep =
      WireWriter()
          .Bytes(1, WireWriter().Bytes(1, WireWriter().Bytes(1, attribute).str()).str())
          .str();
  const auto parsed = ParseOtlpProtobuf(deep);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)[0].attributes[0].second,
            std::string(16, '[') + "null" + std::string(16, ']'));
}

}  // namespace
}  // namespace deucalion::remote

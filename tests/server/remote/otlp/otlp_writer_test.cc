#include "server/remote/otlp/otlp_writer.h"

#include <gtest/gtest.h>

#include "tests/server/remote/otlp/recording_appender.h"

namespace deucalion::remote {
namespace {

class OtlpWriterTest : public ::testing::Test {
 protected:
  // Metrics of one resource, as JSON; what was written, sorted.
  std::string Write(const std::string& metrics, const std::string& attributes = "") {
    const auto request = ParseOtlpJson(
        R"({"resourceMetrics": [{"resource": {"attributes": [)" + attributes +
        R"(]}, "scopeMetrics": [{"scope": {"name": "lib", "version": "v1", "attributes": [
            {"key": "k.1", "value": {"stringValue": "v"}}]},
            "schemaUrl": "u", "metrics": [)" +
        metrics + "]}]}]}");
    EXPECT_TRUE(request.ok()) << request.status().ToString();
    appender_ = RecordingAppender();
    appender_.refuse = refuse_;
    status_ = OtlpWriter(settings_, &appender_).Write(*request);
    return status_.ok() ? appender_.Sorted() : "error: " + status_.message();
  }
  static std::string Attribute(const std::string& key, const std::string& value) {
    return R"({"key": ")" + key + R"(", "value": {"stringValue": ")" + value + R"("}})";
  }

  OtlpSettings settings_;
  RecordingAppender appender_;
  std::map<std::string, Status> refuse_;
  Status status_;
};

TEST_F(OtlpWriterTest, NumbersWithLabelsAndMetadata) {
  EXPECT_EQ(Write(R"({"name": "system.io", "unit": "By", "description": "d", "sum": {
      "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
      {"timeUnixNano": "2000000", "asInt": 5, "attributes": [)" +
                  Attribute("a.b", "1") + "," + Attribute("a_b", "2") + "," + Attribute("c", "") +
                  R"(]}, {"timeUnixNano": "3000000", "flags": 1}]}},
      {"name": "level", "gauge": {"dataPoints": [{"timeUnixNano": "2999999", "asDouble": 0.5}]}})"),
            "level 0.5@2\n"
            "system_io_bytes_total stale@3\n"
            "system_io_bytes_total{a_b=\"1;2\"} 5@2\n");
  EXPECT_EQ(appender_.metadata["level"], (Metadata{.kind = MetricKind::kGauge}));
  EXPECT_EQ(appender_.metadata["system_io_bytes_total"],
            (Metadata{.kind = MetricKind::kCounter, .unit = "bytes", .help = "d"}));
}

TEST_F(OtlpWriterTest, HistogramsBecomeClassicSeriesWithExemplarsInTheirBuckets) {
  EXPECT_EQ(Write(R"({"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
      {"timeUnixNano": "1000000", "count": 6, "sum": 9.5, "bucketCounts": [1, 2, 3],
       "explicitBounds": [0.5, 10], "exemplars": [
         {"asDouble": 0.2, "timeUnixNano": "1000000", "traceId": "ab", "filteredAttributes": [)" +
                  Attribute("u", "me") + R"(]},
         {"asDouble": 11, "timeUnixNano": "1000000", "spanId": "cd", "filteredAttributes": [)" +
                  Attribute("u", std::string(130, 'x')) + R"(]}]}]}})"),
            "h_bucket{le=\"+Inf\"} 6@1\n"
            "h_bucket{le=\"0.5\"} 1@1\n"
            "h_bucket{le=\"10\"} 3@1\n"
            "h_count 6@1\n"
            "h_sum 9.5@1\n");
  EXPECT_EQ(appender_.exemplars,
            (std::vector<std::string>{"h_bucket{le=\"0.5\"} {trace_id=\"ab\", u=\"me\"} 0.2@1",
                                      "h_bucket{le=\"+Inf\"} {span_id=\"cd\"} 11@1"}));
  EXPECT_EQ(appender_.metadata["h_count"].kind, MetricKind::kHistogram);
}

TEST_F(OtlpWriterTest, OrNativeOnesWithCustomBuckets) {
  settings_.config.convert_histograms_to_nhcb = true;
  EXPECT_EQ(Write(R"({"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
      {"timeUnixNano": "1000000", "count": 7, "sum": 9, "bucketCounts": [0, 2, 0, 0, 0, 5],
       "explicitBounds": [1, 2, 3, 4, 5]}, {"timeUnixNano": "2000000", "flags": 1}]}})"),
            "h histogram 7@1\nh stale histogram@2\n");
  Write(R"({"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
      {"timeUnixNano": "1000000", "count": 7, "sum": 9, "bucketCounts": [0, 2, 0, 0, 0, 5],
       "explicitBounds": [1, 2, 3, 4, 5]}]}})");
  const IntHistogram& h = appender_.histograms["h"];
  EXPECT_EQ(h.schema, kCustomBucketsSchema);
  EXPECT_EQ(h.custom_values, (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{1, 1}, {3, 1}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<int64_t>{2, 3}));
}

TEST_F(OtlpWriterTest, ExponentialHistogramsBecomeNativeOnes) {
  const auto write = [&](const std::string& point) {
    return Write(R"({"name": "e", "exponentialHistogram": {"aggregationTemporality": 2,
        "dataPoints": [{"timeUnixNano": "1000000", )" +
                 point + "}]}}");
  };
  EXPECT_EQ(write(R"("count": 10, "sum": 3, "scale": 1, "zeroCount": 1,
      "positive": {"offset": -2, "bucketCounts": [1, 0, 2, 0, 0, 0, 4]},
      "negative": {"offset": 3, "bucketCounts": [2]})"),
            "e histogram 10@1\n");
  const IntHistogram h = appender_.histograms["e"];
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.zero_count, 1u);
  EXPECT_EQ(h.zero_threshold, 1e-128);
  // Their bucket i is our i + 1; the gap of one is written out, that of three is not.
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{-1, 3}, {3, 1}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<int64_t>{1, -1, 2, 2}));
  EXPECT_EQ(h.negative_spans, (std::vector<BucketSpan>{{4, 1}}));
  // Finer than ours: two by two.
  write(R"("count": 7, "scale": 9, "positive": {"offset": 1, "bucketCounts": [1, 2, 4]})");
  EXPECT_EQ(appender_.histograms["e"].schema, 8);
  EXPECT_EQ(appender_.histograms["e"].positive_spans, (std::vector<BucketSpan>{{1, 2}}));
  EXPECT_EQ(appender_.histograms["e"].positive_buckets, (std::vector<int64_t>{1, 5}));
  EXPECT_EQ(write(R"("scale": -5)"),
            "error: cannot convert exponential to native histogram. Scale must be >= -4, was -5");
  EXPECT_EQ(write(R"("count": 1, "positive": {"offset": 2147483647, "bucketCounts": [1]})"),
            "error: exponential histogram has a bucket beyond the last index");
  EXPECT_TRUE(write(R"("count": 5, "positive": {"bucketCounts": [1]})").starts_with("error: "));
  for (const char* odd :
       {R"("scale": 2147483647, "count": 1, "positive": {"bucketCounts": [1]})",
        R"("count": 1, "negative": {"offset": -2147483648, "bucketCounts": [1]})",
        R"("count": 2, "positive": {"bucketCounts": ["18446744073709551615"]})"}) {
    (void)write(odd);
  }
}

TEST_F(OtlpWriterTest, Summaries) {
  EXPECT_EQ(Write(R"({"name": "q", "summary": {"dataPoints": [{"timeUnixNano": "1000000",
      "count": 3, "sum": 1.5, "quantileValues": [{"quantile": 0.99, "value": 7}]}]}})"),
            "q_count 3@1\nq_sum 1.5@1\nq{quantile=\"0.99\"} 7@1\n");
}

TEST_F(OtlpWriterTest, JobAndInstanceAndATargetInfoOverTheWholeTime) {
  settings_.lookback_ms = 200'000;
  const std::string metrics =
      R"({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1000000000000", "asInt": 1},
          {"timeUnixNano": "1250000000000", "asInt": 2}]}})";
  const std::string identity = Attribute("service.name", "app") + "," +
                               Attribute("service.namespace", "shop") + "," +
                               Attribute("service.instance.id", "i1");
  EXPECT_EQ(Write(metrics, identity),
            "g{instance=\"i1\", job=\"shop/app\"} 1@1000000\n"
            "g{instance=\"i1\", job=\"shop/app\"} 2@1250000\n");
  EXPECT_EQ(Write(metrics, identity + "," + Attribute("host.name", "h")),
            "g{instance=\"i1\", job=\"shop/app\"} 1@1000000\n"
            "g{instance=\"i1\", job=\"shop/app\"} 2@1250000\n"
            "target_info{host_name=\"h\", instance=\"i1\", job=\"shop/app\"} 1@1000000\n"
            "target_info{host_name=\"h\", instance=\"i1\", job=\"shop/app\"} 1@1100000\n"
            "target_info{host_name=\"h\", instance=\"i1\", job=\"shop/app\"} 1@1200000\n"
            "target_info{host_name=\"h\", instance=\"i1\", job=\"shop/app\"} 1@1250000\n");
  // Of nobody in particular.
  EXPECT_EQ(Write(metrics, Attribute("host.name", "h")), "g 1@1000000\ng 2@1250000\n");
  settings_.config.keep_identifying_resource_attributes = true;
  Write(metrics, Attribute("service.name", "app") + "," + Attribute("host.name", "h"));
  EXPECT_EQ(appender_.lines.back(),
            "target_info{host_name=\"h\", job=\"app\", service_name=\"app\"} 1@1250000");
  // Points that lie years apart are no reason to write millions of them.
  Write(R"({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1"},
      {"timeUnixNano": "1700000000000000000"}]}})",
        Attribute("service.name", "app") + "," + Attribute("host.name", "h"));
  EXPECT_EQ(appender_.lines.size(), 10'003u);
}

TEST_F(OtlpWriterTest, WhatTheConfigurationPromotes) {
  const std::string metrics =
      R"({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1000000", "asInt": 1,
          "attributes": [)" +
      Attribute("zone", "own") + "]}]}}";
  const std::string attributes = Attribute("host.name", "h") + "," + Attribute("zone", "z");
  settings_.config.promote_resource_attributes = {"host.name", "zone"};
  EXPECT_EQ(Write(metrics, attributes), "g{host_name=\"h\", zone=\"own\"} 1@1\n");
  settings_.config.promote_resource_attributes = {};
  settings_.config.promote_all_resource_attributes = true;
  settings_.config.ignore_resource_attributes = {"host.name"};
  EXPECT_EQ(Write(metrics, attributes), "g{zone=\"own\"} 1@1\n");
  settings_.config.promote_scope_metadata = true;
  EXPECT_EQ(Write(metrics, attributes),
            "g{otel_scope_k_1=\"v\", otel_scope_name=\"lib\", otel_scope_schema_url=\"u\", "
            "otel_scope_version=\"v1\", zone=\"own\"} 1@1\n");
  settings_.config = {};
  settings_.type_and_unit_labels = true;
  EXPECT_EQ(Write(R"({"name": "s", "unit": "s", "sum": {"aggregationTemporality": 2,
      "isMonotonic": true, "dataPoints": [{"timeUnixNano": "1000000", "asInt": 1}]}})"),
            "s_seconds_total{__type__=\"counter\", __unit__=\"seconds\"} 1@1\n");
}

TEST_F(OtlpWriterTest, WhatCannotBeTranslatedFailsTheRequestWithAllReasons) {
  const std::string good =
      R"({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1000000"}]}})";
  const std::string delta = R"({"name": "d", "sum": {"aggregationTemporality": 1, "dataPoints": [
      {"timeUnixNano": "1000000", "asInt": 1}]}})";
  EXPECT_EQ(Write(good + R"(, {"name": "empty", "gauge": {}}, {"name": "kindless"}, )" + delta),
            "error: empty data points. empty is dropped; could not get aggregation temporality for "
            "kindless as it has unsupported metric type Empty; invalid temporality and type "
            "combination for metric \"d\"");
  EXPECT_EQ(status_.code(), StatusCode::kInvalidArgument);
  settings_.allow_delta = true;
  EXPECT_EQ(Write(delta), "d 1@1\n");
  EXPECT_EQ(appender_.metadata["d"].kind, MetricKind::kUnknown);
}

TEST_F(OtlpWriterTest, WhatStorageRefusesFailsTheRequest) {
  const std::string metrics =
      R"({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "9000000"}]}})";
  refuse_["g"] = Status(StatusCode::kOutOfOrder, "out of order sample");
  EXPECT_EQ(Write(metrics), "error: out of order sample");
  refuse_.clear();
  settings_.max_time_ms = 8;
  EXPECT_EQ(Write(metrics), "error: out of bounds: timestamp is too far in the future");
  EXPECT_EQ(status_.code(), StatusCode::kOutOfBounds);
}

}  // namespace
}  // namespace deucalion::remote

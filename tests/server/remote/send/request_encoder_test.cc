// What we send, as libprotobuf and our own receiver read it.
#include "server/remote/send/request_encoder.h"

#include <gtest/gtest.h>

#include "proto/remote_v1.pb.h"
#include "proto/remote_v2.pb.h"
#include "server/remote/snappy_block.h"
#include "server/remote/write_request.h"

namespace deucalion::remote {
namespace {

// One value of each kind of one series.
class RequestEncoderTest : public ::testing::Test {
 protected:
  RequestEncoderTest() {
    histogram_.integer = true;
    histogram_.histogram.count = histogram_.histogram.sum = 3;
    histogram_.histogram.positive_spans = {{-2, 2}};
    histogram_.histogram.positive_buckets = {1, 2};
    exemplar_.labels = Labels{{"trace_id", "t"}};
    exemplar_.value = 0.5;
    exemplar_.time_ms = 77;
    values_ = {{.time_ms = -5, .st_ms = 3, .value = 1.5, .metadata = &metadata_},
               {.time_ms = 6, .st_ms = 4, .histogram = &histogram_},
               {.exemplar = &exemplar_}};
  }
  // The request, uncompressed.
  std::string Encode(WriteVersion version) {
    TextPool pool;
    const EncodedLabels labels = EncodeLabels(labels_, version, &pool);
    RequestEncoder encoder(version, &pool);
    std::string bytes;
    for (int request = 0; request < 2; ++request) {  // the second time from a clean sheet
      for (OutgoingValue& v : values_) {
        v.labels = &labels;
        encoder.Add(v);
      }
      const Result<std::string> message = SnappyDecode(encoder.Finish(), 1 << 20);
      EXPECT_TRUE(message.ok());
      if (request == 1) EXPECT_EQ(*message, bytes);
      bytes = *message;
    }
    ReleaseLabels(labels, &pool);
    EXPECT_EQ(pool.size(), 0u);
    return bytes;
  }

  const Labels labels_{{"__name__", "x"}, {"a", "1"}};
  const Metadata metadata_{MetricKind::kStateset, "seconds", "Help."};
  FeedHistogram histogram_;
  Exemplar exemplar_;
  std::vector<OutgoingValue> values_;
};

TEST_F(RequestEncoderTest, VersionOneIsReadByLibprotobufAndByOurReceiver) {
  std::string bytes = Encode(WriteVersion::kV1);
  const OutgoingMetadata family{.family = "x", .metadata = &metadata_};
  bytes += *SnappyDecode(EncodeMetadataV1({&family, 1}), 1 << 20);
  ::prometheus::WriteRequest oracle;
  ASSERT_TRUE(oracle.ParseFromString(bytes));
  ASSERT_EQ(oracle.timeseries_size(), 3);
  for (const auto& series : oracle.timeseries()) {
    ASSERT_EQ(series.labels_size(), 2);
    EXPECT_EQ(series.labels(1).name(), "a");
    EXPECT_EQ(series.labels(1).value(), "1");
  }
  EXPECT_EQ(oracle.timeseries(0).samples(0).timestamp(), -5);
  EXPECT_EQ(oracle.timeseries(0).samples(0).value(), 1.5);
  EXPECT_EQ(oracle.timeseries(1).histograms(0).count_int(), 3u);
  EXPECT_EQ(oracle.timeseries(1).histograms(0).positive_deltas(1), 1);
  EXPECT_EQ(oracle.timeseries(1).histograms(0).timestamp(), 6);
  EXPECT_EQ(oracle.timeseries(2).exemplars(0).labels(0).name(), "trace_id");
  EXPECT_EQ(oracle.timeseries(2).exemplars(0).timestamp(), 77);
  ASSERT_EQ(oracle.metadata_size(), 1);
  EXPECT_EQ(oracle.metadata(0).type(), 7);
  EXPECT_EQ(oracle.metadata(0).metric_family_name(), "x");
  EXPECT_EQ(oracle.metadata(0).help(), "Help.");
  EXPECT_EQ(oracle.metadata(0).unit(), "seconds");

  WriteRequest ours;
  ASSERT_TRUE(ParseWriteRequestV1(bytes, &ours).ok());
  EXPECT_EQ(ours.LabelsOf(ours.series[2]), labels_.view());
  EXPECT_EQ(ours.exemplars[0].labels, exemplar_.labels);
}

TEST_F(RequestEncoderTest, VersionTwoIsReadByLibprotobufAndByOurReceiver) {
  const std::string bytes = Encode(WriteVersion::kV2);
  ::io::prometheus::write::v2::Request oracle;
  ASSERT_TRUE(oracle.ParseFromString(bytes));
  ASSERT_EQ(oracle.timeseries_size(), 3);
  EXPECT_EQ(oracle.symbols(0), "");
  EXPECT_EQ(oracle.symbols_size(), 9);  // each text once
  EXPECT_EQ(oracle.timeseries(0).samples(0).start_timestamp(), 3);
  EXPECT_EQ(oracle.timeseries(1).histograms(0).start_timestamp(), 4);
  EXPECT_EQ(oracle.timeseries(2).exemplars(0).labels_refs_size(), 2);
  EXPECT_EQ(oracle.timeseries(0).metadata().type(), 7);

  WriteRequest ours;
  ASSERT_TRUE(ParseWriteRequestV2(bytes, &ours).ok());
  for (const WireSeries& series : ours.series) EXPECT_EQ(ours.LabelsOf(series), labels_.view());
  EXPECT_EQ(ours.metadata[0], metadata_);
  EXPECT_EQ(ours.exemplars[0].labels, exemplar_.labels);
  EXPECT_TRUE(ours.histograms[0].integer.ToFloat().Equals(histogram_.histogram));
}

TEST_F(RequestEncoderTest, ManySeriesThatShareLabelsKeepTheirOwn) {
  for (const WriteVersion version : {WriteVersion::kV1, WriteVersion::kV2}) {
    TextPool pool;
    std::vector<Labels> want;
    std::vector<EncodedLabels> encoded;
    for (int i = 0; i < 3'000; ++i) {
      const std::string n = std::to_string(i);
      want.push_back(Labels{{"__name__", "metric_" + std::to_string(i % 700)},
                            {"instance", "host:" + std::to_string(i / 100)},
                            {"job", "node"},
                            {"long", std::string(i % 200, 'x')},
                            {"only", n}});
      encoded.push_back(EncodeLabels(want.back(), version, &pool));
    }
    RequestEncoder encoder(version, &pool);
    for (size_t i = 0; i < encoded.size(); ++i) {
      encoder.Add({.labels = &encoded[i], .time_ms = static_cast<int64_t>(i), .value = 0.5});
    }
    const Result<std::string> message = SnappyDecode(encoder.Finish(), 1 << 26);
    ASSERT_TRUE(message.ok());
    EXPECT_GT(message->size(), version == WriteVersion::kV1 ? 200'000u : 50'000u);
    WriteRequest ours;
    ASSERT_TRUE((version == WriteVersion::kV1 ? ParseWriteRequestV1(*message, &ours)
                                              : ParseWriteRequestV2(*message, &ours))
                    .ok());
    ASSERT_EQ(ours.series.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(Labels(ours.LabelsOf(ours.series[i])), want[i]);
      ASSERT_EQ(ours.samples[i].time_ms, static_cast<int64_t>(i));
    }
  }
}

}  // namespace
}  // namespace deucalion::remote

// What we send, as libprotobuf and our own receiver read it.
#include "server/remote/write_encoder.h"

#include <gtest/gtest.h>

#include "proto/remote_v1.pb.h"
#include "proto/remote_v2.pb.h"
#include "server/remote/write_request.h"

namespace deucalion::remote {
namespace {

// One value of each kind of one series.
class WriteEncoderTest : public ::testing::Test {
 protected:
  WriteEncoderTest() {
    histogram_.integer = true;
    histogram_.histogram.count = histogram_.histogram.sum = 3;
    histogram_.histogram.positive_spans = {{-2, 2}};
    histogram_.histogram.positive_buckets = {1, 2};
    exemplar_.labels = Labels{{"trace_id", "t"}};
    exemplar_.value = 0.5;
    exemplar_.time_ms = 77;
    values_ = {{.labels = labels_, .time_ms = -5, .st_ms = 3, .value = 1.5, .metadata = &metadata_},
               {.labels = labels_, .time_ms = 6, .st_ms = 4, .histogram = &histogram_},
               {.labels = labels_, .exemplar = &exemplar_}};
  }

  const Labels labels_{{"__name__", "x"}, {"a", "1"}};
  const Metadata metadata_{MetricKind::kStateset, "seconds", "Help."};
  FeedHistogram histogram_;
  Exemplar exemplar_;
  std::vector<OutgoingValue> values_;
};

TEST_F(WriteEncoderTest, VersionOneIsReadByLibprotobufAndByOurReceiver) {
  std::string bytes;
  EncodeWriteV1(values_, &bytes);
  const OutgoingMetadata family{.family = "x", .metadata = &metadata_};
  EncodeMetadataV1({&family, 1}, &bytes);
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

TEST_F(WriteEncoderTest, VersionTwoIsReadByLibprotobufAndByOurReceiver) {
  std::string bytes;
  EncodeWriteV2(values_, &bytes);
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

}  // namespace
}  // namespace deucalion::remote

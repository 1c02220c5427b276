#include "server/remote/write_request.h"

#include <gtest/gtest.h>

#include "tests/support/wire_writer.h"

namespace deucalion::remote {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string RequestV1(const std::vector<std::string>& series) {
  WireWriter request;
  for (const std::string& s : series) request.Bytes(1, s);
  return request.str();
}

TEST(WriteRequestV1Test, ReadsSeriesAndSortsTheirLabels) {
  WriteRequest r;
  ASSERT_TRUE(
      ParseWriteRequestV1(RequestV1({SeriesV1({{"b", "2"}, {"__name__", "x"}, {"a", ""}}, -5, 1.5),
                                     SeriesV1({{"__name__", "y"}}, 7, 2)}),
                          &r)
          .ok());
  ASSERT_EQ(r.series.size(), 2u);
  EXPECT_EQ(r.LabelsOf(r.series[0]).ToString(), "x{b=\"2\"}");
  EXPECT_EQ(r.samples[0].time_ms, -5);
  EXPECT_EQ(r.samples[0].value, 1.5);
  EXPECT_EQ(r.LabelsOf(r.series[1]).ToString(), "y");
  EXPECT_EQ(r.series[1].sample_begin, 1u);
}

TEST(WriteRequestV1Test, SaysWhatIsWrongWithLabels) {
  const struct {
    Pairs labels;
    LabelProblem want;
  } cases[] = {
      {{{"__name__", "x"}}, LabelProblem::kNone},
      {{{"a", "b"}}, LabelProblem::kNoName},
      {{{"__name__", "x"}, {"a", "1"}, {"a", "2"}}, LabelProblem::kDuplicate},
      {{{"__name__", "x"}, {"", "1"}}, LabelProblem::kInvalid},
      {{{"__name__", "x\xff"}}, LabelProblem::kInvalid},
  };
  for (const auto& c : cases) {
    WriteRequest r;
    ASSERT_TRUE(ParseWriteRequestV1(RequestV1({SeriesV1(c.labels, 1, 1)}), &r).ok());
    EXPECT_EQ(r.series[0].problem, c.want);
  }
}

TEST(WriteRequestV1Test, ScanningLeavesLabelsUnreadUntilTheyAreWanted) {
  const std::string bytes = RequestV1(
      {SeriesV1({{"b", "2"}, {"__name__", "x"}}, 1, 1.5), SeriesV1({{"__name__", "y"}}, 2, 2.5)});
  WriteRequest r;
  ASSERT_TRUE(ScanWriteRequestV1(bytes, &r).ok());
  ASSERT_EQ(r.series.size(), 2u);
  EXPECT_TRUE(r.label_bytes.empty());
  EXPECT_EQ(r.samples[1].value, 2.5);
  ASSERT_TRUE(ReadLabels(1, &r).ok());
  ASSERT_TRUE(ReadLabels(0, &r).ok());
  EXPECT_EQ(r.LabelsOf(r.series[0]).ToString(), "x{b=\"2\"}");
  EXPECT_EQ(r.LabelsOf(r.series[1]).ToString(), "y");
}

TEST(WriteRequestV1Test, EveryTruncationIsAnErrorOrAShorterRequest) {
  const std::string whole =
      RequestV1({SeriesV1({{"__name__", "x"}}, 1, 1), SeriesV1({{"__name__", "y"}}, 2, 2)});
  WriteRequest r;
  for (size_t n = 0; n < whole.size(); n++) {
    if (ParseWriteRequestV1(whole.substr(0, n), &r).ok()) {
      EXPECT_LT(r.series.size(), 2u);
    }
  }
}

TEST(WriteRequestV1Test, ReadsIntegerAndFloatHistograms) {
  const std::string integer = WireWriter()
                                  .Varint(1, 3)
                                  .Double(3, 4.5)
                                  .SInt(4, -1)
                                  .Bytes(11, WireWriter().SInt(1, -2).Varint(2, 2).str())
                                  .Packed(12, {ZigZag(1), ZigZag(1)})
                                  .Varint(15, 99)
                                  .str();
  const std::string floating =
      WireWriter().Double(2, 1.5).Double(13, 1.5).SInt(4, -53).Double(16, 0.5).str();
  const std::string series = WireWriter()
                                 .Bytes(1, WireWriter().Bytes(1, "__name__").Bytes(2, "h").str())
                                 .Bytes(4, integer)
                                 .Bytes(4, floating)
                                 .str();
  WriteRequest r;
  ASSERT_TRUE(ParseWriteRequestV1(RequestV1({series}), &r).ok());
  ASSERT_EQ(r.histograms.size(), 2u);
  EXPECT_FALSE(r.histograms[0].is_float);
  EXPECT_EQ(r.histograms[0].time_ms, 99);
  EXPECT_EQ(r.histograms[0].integer.schema, -1);
  EXPECT_EQ(r.histograms[0].integer.positive_buckets, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(r.histograms[0].integer.positive_spans, (std::vector<BucketSpan>{{-2, 2}}));
  EXPECT_TRUE(r.histograms[1].is_float);
  EXPECT_EQ(r.histograms[1].floating.custom_values, std::vector<double>{0.5});
}

std::string RequestV2(const std::vector<std::string>& symbols, const std::string& series) {
  WireWriter request;
  for (const std::string& s : symbols) request.Bytes(4, s);
  return request.Bytes(5, series).str();
}

TEST(WriteRequestV2Test, ResolvesSymbolsAndMetadata) {
  const std::string series =
      WireWriter()
          .Packed(1, {1, 2, 3, 4})
          .Bytes(2, WireWriter().Double(1, 9).Varint(2, 1000).Varint(3, 500).str())
          .Bytes(4, WireWriter().Packed(1, {3, 4}).Double(2, 7).Varint(3, 900).str())
          .Bytes(5, WireWriter().Varint(1, 1).Varint(3, 5).str())
          .str();
  WriteRequest r;
  ASSERT_TRUE(
      ParseWriteRequestV2(RequestV2({"", "__name__", "x", "a", "b", "Help."}, series), &r).ok());
  EXPECT_EQ(r.LabelsOf(r.series[0]).ToString(), "x{a=\"b\"}");
  EXPECT_EQ(r.samples[0].st_ms, 500);
  EXPECT_EQ(r.exemplars[0].labels.ToString(), "{a=\"b\"}");
  EXPECT_EQ(r.metadata[0], (Metadata{MetricKind::kCounter, "", "Help."}));
}

TEST(WriteRequestV2Test, BadReferencesAreAProblemOfTheirSeries) {
  for (const std::vector<uint64_t>& refs : {std::vector<uint64_t>{1}, {1, 99}}) {
    WriteRequest r;
    ASSERT_TRUE(
        ParseWriteRequestV2(RequestV2({"", "__name__"}, WireWriter().Packed(1, refs).str()), &r)
            .ok());
    EXPECT_EQ(r.series[0].problem, LabelProblem::kBadSymbols);
  }
}

TEST(WriteRequestV2Test, AFewSymbolsCannotBeExpandedWithoutBound) {
  const std::string huge(8 << 20, 'v');
  WireWriter request;
  for (const std::string& s : {std::string(), std::string("__name__"), huge}) request.Bytes(4, s);
  for (int i = 0; i < 64; i++) request.Bytes(5, WireWriter().Packed(1, {1, 2}).str());
  WriteRequest r;
  EXPECT_FALSE(ParseWriteRequestV2(request.str(), &r).ok());
}

}  // namespace
}  // namespace deucalion::remote

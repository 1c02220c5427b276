#include "server/api/federate_format.h"

#include <gtest/gtest.h>

#include "scrape/parse/parser.h"

namespace deucalion::api {
namespace {

FederatedSample Float(std::initializer_list<std::pair<std::string_view, std::string_view>> labels,
                      double value) {
  LabelsBuilder builder;
  for (const auto& [name, text] : labels) builder.Set(name, text);
  return {.labels = builder.Build(), .time_ms = 1500, .value = value, .histogram = nullptr};
}

Labels External(std::string_view name, std::string_view value) {
  LabelsBuilder builder;
  builder.Set(name, value);
  return builder.Build();
}

std::string Write(const http::ExpositionFormat& format, const std::vector<FederatedSample>& samples,
                  LabelsView external = Labels()) {
  std::string out;
  AppendFederatedFamily(format, samples, FederateLabels(external), &out);
  return out;
}

TEST(FederateTextTest, OwnLabelsComeFirstAndExternalOnesFillIn) {
  const Labels external = External("site", "here");
  EXPECT_EQ(Write({}, {Float({{"__name__", "a"}, {"z", "1"}}, 2.5)}, external),
            "# TYPE a untyped\na{z=\"1\",instance=\"\",site=\"here\"} 2.5 1500\n");
  EXPECT_EQ(
      Write({}, {Float({{"__name__", "a"}, {"instance", "x"}, {"site", "there"}}, 1)}, external),
      "# TYPE a untyped\na{instance=\"x\",site=\"there\"} 1 1500\n");
  EXPECT_EQ(Write({}, {Float({{"__name__", "a"}}, 1)}, External("instance", "me")),
            "# TYPE a untyped\na{instance=\"me\"} 1 1500\n");
}

TEST(FederateTextTest, ValuesAreEscapedAndNamesQuotedOrReplaced) {
  const FederatedSample sample =
      Float({{"__name__", "my.metric"}, {"instance", "a\"b\\c\nd"}, {"é", "1"}}, 1);
  EXPECT_EQ(Write({.escaping = http::NameEscaping::kAllowUtf8}, {sample}),
            "# TYPE \"my.metric\" untyped\n"
            "{\"my.metric\",instance=\"a\\\"b\\\\c\\nd\",\"é\"=\"1\"} 1 1500\n");
  EXPECT_EQ(Write({}, {sample}),
            "# TYPE my_metric untyped\nmy_metric{instance=\"a\\\"b\\\\c\\nd\",_=\"1\"} 1 1500\n");
  EXPECT_EQ(Write({.escaping = http::NameEscaping::kDots}, {sample}),
            "# TYPE my_dot_metric untyped\n"
            "my_dot_metric{instance=\"a\\\"b\\\\c\\nd\",__=\"1\"} 1 1500\n");
  EXPECT_EQ(Write({.escaping = http::NameEscaping::kValues}, {sample}),
            "# TYPE U__my_2e_metric untyped\n"
            "U__my_2e_metric{instance=\"a\\\"b\\\\c\\nd\",U___e9_=\"1\"} 1 1500\n");
}

// Our own scraper reads what we write.
TEST(FederateProtobufTest, CarriesFloatsAndNativeHistograms) {
  FloatHistogram histogram;
  histogram.schema = 1;
  histogram.count = 6;
  histogram.sum = 7.5;
  histogram.zero_threshold = 0.001;
  histogram.zero_count = 1;
  histogram.positive_spans = {{0, 2}};
  histogram.positive_buckets = {2, 3};
  FederatedSample native = Float({{"__name__", "h"}, {"job", "x"}}, 0);
  native.histogram = std::make_shared<const FloatHistogram>(histogram);
  std::string body = Write({.protobuf = true}, {Float({{"__name__", "f"}, {"job", "x"}}, 2.5)});
  body += Write({.protobuf = true}, {native});

  const auto parser = scrape::NewProtobufParser(body, scrape::ParserOptions{});
  std::vector<std::string> seen;
  for (;;) {
    scrape::Entry entry;
    const Status status = parser->Next(&entry);
    ASSERT_TRUE(status.ok()) << status.message();
    if (entry == scrape::Entry::kEof) break;
    if (entry != scrape::Entry::kSeries && entry != scrape::Entry::kHistogram) continue;
    Labels labels;
    ASSERT_TRUE(parser->BuildLabels(&labels).ok());
    EXPECT_EQ(parser->timestamp_ms(), 1500);
    seen.push_back(labels.ToString() + " " +
                   (entry == scrape::Entry::kHistogram
                        ? parser->histogram().floating.TestExpression()
                        : std::to_string(parser->value())));
  }
  // The empty "instance" that both carry for honor_labels is no label to who reads it.
  EXPECT_EQ(seen, (std::vector<std::string>{"f{job=\"x\"} 2.500000",
                                            "h{job=\"x\"} " + histogram.TestExpression()}));
}

}  // namespace
}  // namespace deucalion::api

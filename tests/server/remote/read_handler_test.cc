#include "server/remote/read_handler.h"

#include <gtest/gtest.h>

#include "tests/server/remote/fake_storage.h"
#include "tests/server/remote/read_client.h"

namespace deucalion::remote {
namespace {

constexpr uint64_t kSamples = 0, kChunks = 1;
constexpr uint64_t kEq = 0, kNeq = 1, kRe = 2, kNre = 3;

class ReadHandlerTest : public ::testing::Test {
 protected:
  ReadHandlerTest() : logger_(Logger::Stderr(LogLevel::kError, LogFormat::kLogfmt)) {
    options_.storage = [this] { return &storage_; };
    options_.external_labels = [this] { return external_; };
    options_.logger = logger_.get();
  }

  http::Response Ask(const std::string& message) {
    std::string block;
    snappy::Compress(message.data(), message.size(), &block);
    return AskRaw(std::move(block));
  }
  http::Response AskRaw(std::string body) {
    // A registry of its own: a name is registered once.
    metrics_ = std::make_unique<MetricRegistry>();
    options_.metrics = metrics_.get();
    ReadHandler handler(options_);
    http::Request request;
    request.body = std::move(body);
    http::Response response;
    handler.Serve(request, &response);
    return response;
  }
  std::vector<AnswerSeries> Read(uint64_t type, const std::vector<std::string>& queries) {
    http::Response response = Ask(RequestBytes(queries, {type}));
    EXPECT_EQ(response.status, 200) << response.body;
    const std::string body = BodyOf(response);
    return type == kSamples ? ReadSamplesAnswer(body) : ReadChunksAnswer(body);
  }
  void Fill(const Labels& labels, int64_t from_ms, int64_t step_ms, int count) {
    for (int i = 0; i < count; i++) {
      ASSERT_TRUE(storage_.memory.Append(labels, from_ms + i * step_ms, i * 0.5).ok());
    }
  }

  FakeStorage storage_;
  Labels external_;
  std::unique_ptr<Logger> logger_;
  std::unique_ptr<MetricRegistry> metrics_;
  ReadHandlerOptions options_;
};

TEST_F(ReadHandlerTest, BothAnswersCarryTheSameSamples) {
  Fill({{"__name__", "x"}, {"a", "1"}}, 1000, 15'000, 1000);
  Fill({{"__name__", "x"}, {"a", "2"}}, 5, 86'400'000, 11);  // a sample a day
  Fill({{"__name__", "y"}}, 1000, 1000, 3);
  const std::string query = QueryBytes(0, 900'000'000, {MatcherBytes(kEq, "__name__", "x")});
  const auto samples = Read(kSamples, {query}), chunks = Read(kChunks, {query});
  ASSERT_EQ(samples.size(), 2u);
  ASSERT_EQ(chunks.size(), 2u);
  for (size_t i = 0; i < 2; i++) {
    EXPECT_EQ(samples[i].labels, chunks[i].labels);
    EXPECT_EQ(samples[i].samples, chunks[i].samples);
  }
  EXPECT_EQ(samples[0].labels, "__name__=\"x\",a=\"1\"");
  EXPECT_EQ(samples[0].samples.size(), 1000u);
  EXPECT_EQ(samples[0].samples[3], std::pair(int64_t{46'000}, 1.5));
  EXPECT_EQ(samples[1].samples.size(), 11u);
  EXPECT_EQ(chunks[0].encodings.size(), 9u);  // 8 x 120 + 40
}

TEST_F(ReadHandlerTest, SaysWhatItSends) {
  http::Response response = Ask(RequestBytes({}, {}));
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(response.headers.Get("Content-Encoding"), "snappy");
  response = Ask(RequestBytes({}, {kChunks}));
  EXPECT_EQ(response.headers.Get("Content-Type"),
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  EXPECT_EQ(BodyOf(response), "");
}

TEST_F(ReadHandlerTest, GivesTheFirstTypeItUnderstands) {
  const struct {
    std::vector<uint64_t> accepted;
    std::string_view want;
  } cases[] = {
      {{}, kSamplesContentType},
      {{kSamples, kChunks}, kSamplesContentType},
      {{kChunks, kSamples}, kChunksContentType},
      {{7, kChunks}, kChunksContentType},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Ask(RequestBytes({}, c.accepted)).headers.Get("Content-Type"), c.want);
  }
  const http::Response refused = Ask(RequestBytes({}, {7, 9}));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body,
            "server does not support any of the requested response types: [7 9]; supported: "
            "map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]\n");
}

TEST_F(ReadHandlerTest, UnderstandsEveryTypeOfMatcher) {
  for (const char* a : {"1", "2", "33"}) Fill({{"__name__", "x"}, {"a", a}}, 1, 1, 1);
  const struct {
    uint64_t type;
    std::string_view value;
    std::string want;
  } cases[] = {{kEq, "1", "1"}, {kNeq, "1", "2 33"}, {kRe, "3+", "33"}, {kNre, "3+|1", "2"}};
  for (const auto& c : cases) {
    for (const uint64_t type : {kSamples, kChunks}) {
      std::string got;
      for (const auto& s : Read(type, {QueryBytes(0, 9, {MatcherBytes(c.type, "a", c.value)})})) {
        const size_t at = s.labels.find("a=\"") + 3;
        got += (got.empty() ? "" : " ") + s.labels.substr(at, s.labels.size() - at - 1);
      }
      EXPECT_EQ(got, c.want);
    }
  }
}

TEST_F(ReadHandlerTest, AddsExternalLabelsAndDropsThemFromMatchers) {
  external_ = Labels{{"a", "outer"}, {"cluster", "c1"}, {"zone", "z"}};
  Fill({{"__name__", "x"}, {"b", "1"}}, 1, 1, 2);
  Fill({{"__name__", "x"}, {"cluster", "own"}}, 1, 1, 2);
  for (const uint64_t type : {kSamples, kChunks}) {
    auto got = Read(type, {QueryBytes(0, 9, {MatcherBytes(kEq, "cluster", "c1")})});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].labels, "__name__=\"x\",a=\"outer\",b=\"1\",cluster=\"c1\",zone=\"z\"");
    // What a series says of itself wins.
    got = Read(type, {QueryBytes(0, 9, {MatcherBytes(kEq, "cluster", "own")})});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].labels, "__name__=\"x\",a=\"outer\",cluster=\"own\",zone=\"z\"");
  }
}

TEST_F(ReadHandlerTest, NumbersTheAnswersOfSeveralQueries) {
  Fill({{"__name__", "x"}}, 1, 1, 2);
  Fill({{"__name__", "y"}}, 1, 1, 2);
  for (const uint64_t type : {kSamples, kChunks}) {
    const auto got = Read(type, {QueryBytes(0, 9, {MatcherBytes(kEq, "__name__", "x")}),
                                 QueryBytes(0, 9, {}),  // no matcher: no series
                                 QueryBytes(9, 0, {MatcherBytes(kEq, "__name__", "x")}),
                                 QueryBytes(2, 2, {MatcherBytes(kEq, "__name__", "y")})});
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].query, 0u);
    EXPECT_EQ(got[1].query, 3u);
    EXPECT_EQ(got[1].samples, (std::vector<std::pair<int64_t, double>>{{2, 0.5}}));
  }
}

TEST_F(ReadHandlerTest, TakesTheRangeOfHintsAndIgnoresThoseThatMakeNoSense) {
  Fill({{"__name__", "x"}}, 0, 1, 100);
  const auto with_hints = [&](int64_t min_ms, int64_t max_ms) {
    const std::string hints = WireWriter()
                                  .Varint(1, 5)
                                  .Bytes(2, "rate")
                                  .Varint(3, static_cast<uint64_t>(min_ms))
                                  .Varint(4, static_cast<uint64_t>(max_ms))
                                  .Bytes(5, "group")
                                  .Varint(6, 1)
                                  .Varint(7, 60)
                                  .str();
    const auto got =
        Read(kSamples, {QueryBytes(10, 29, {MatcherBytes(kEq, "__name__", "x")}, hints)});
    return got.empty() ? 0 : got[0].samples.size();
  };
  EXPECT_EQ(with_hints(15, 19), 5u);
  EXPECT_EQ(with_hints(-5, 19), 10u);
  EXPECT_EQ(with_hints(0, 0), 20u);
  EXPECT_EQ(with_hints(500, 600), 20u);
  EXPECT_EQ(with_hints(25, 12), 20u);
}

TEST_F(ReadHandlerTest, GivesSeriesWithoutSamplesToThoseWhoWantLabels) {
  Fill({{"__name__", "x"}}, 0, 1, 100);
  const std::string hints = WireWriter().Bytes(2, "series").str();
  for (const uint64_t type : {kSamples, kChunks}) {
    const auto got = Read(type, {QueryBytes(0, 99, {MatcherBytes(kEq, "__name__", "x")}, hints)});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].labels, "__name__=\"x\"");
    EXPECT_TRUE(got[0].samples.empty());
  }
}

TEST_F(ReadHandlerTest, RefusesMoreSamplesThanTheLimit) {
  Fill({{"__name__", "x"}}, 0, 1, 11);
  const std::string query = QueryBytes(0, 99, {MatcherBytes(kEq, "__name__", "x")});
  options_.sample_limit = 11;
  EXPECT_EQ(Ask(RequestBytes({query, query}, {})).status, 200);
  options_.sample_limit = 10;
  const http::Response refused = Ask(RequestBytes({query}, {}));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "exceeded sample limit (10)\n");
  EXPECT_FALSE(refused.headers.Has("Content-Encoding"));
  options_.sample_limit = 0;
  EXPECT_EQ(Ask(RequestBytes({query}, {})).status, 200);
}

TEST_F(ReadHandlerTest, SplitsLongSeriesIntoFrames) {
  Fill({{"__name__", "x"}}, 0, 1000, 10'000);
  const std::string query = QueryBytes(0, 99'000'000, {MatcherBytes(kEq, "__name__", "x")});
  options_.max_bytes_in_frame = 4096;
  const auto got = Read(kChunks, {query});
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].samples.size(), 10'000u);
  EXPECT_EQ(got[0].frames, 4u);
  options_.max_bytes_in_frame = 1;  // less than the labels
  EXPECT_EQ(Read(kChunks, {query})[0].frames, 84u);
}

TEST_F(ReadHandlerTest, SurvivesTheWidestRange) {
  Fill({{"__name__", "x"}}, 0, 86'400'000, 11);
  const std::string query = QueryBytes(INT64_MIN, INT64_MAX, {MatcherBytes(kEq, "__name__", "x")});
  for (const uint64_t type : {kSamples, kChunks}) {
    EXPECT_EQ(Read(type, {query})[0].samples.size(), 11u);
  }
  storage_.memory.Clear();  // an empty database
  storage_.bounds = {INT64_MAX, INT64_MIN};
  for (const uint64_t type : {kSamples, kChunks}) EXPECT_TRUE(Read(type, {query}).empty());
}

FloatHistogram SomeHistogram(double count) {
  FloatHistogram h;
  h.schema = 1;
  h.zero_threshold = 0.01;
  h.zero_count = 1;
  h.count = 1 + 3 * count;
  h.sum = -4.25;
  h.positive_spans = {{-1, 1}, {2, 1}};
  h.positive_buckets = {count, count};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {count};
  return h;
}

TEST_F(ReadHandlerTest, SendsHistogramsBetweenFloatsInBothAnswers) {
  const Labels x{{"__name__", "x"}};
  for (int i = 0; i < 300; i++) {
    ASSERT_TRUE(storage_.memory.AppendHistogram(x, i * 1000, SomeHistogram(i + 0.5)).ok());
  }
  ASSERT_TRUE(storage_.memory.Append(x, 400'000, 7).ok());
  ASSERT_TRUE(storage_.memory.AppendHistogram(x, 500'000, SomeHistogram(1)).ok());
  FloatHistogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = custom.sum = 3;
  custom.positive_spans = {{0, 2}};
  custom.positive_buckets = {1, 2};
  custom.custom_values = {0.5, 1};
  ASSERT_TRUE(storage_.memory.AppendHistogram(x, 600'000, custom).ok());
  const std::string query = QueryBytes(0, 900'000, {MatcherBytes(kEq, "__name__", "x")});
  const auto samples = Read(kSamples, {query}), chunks = Read(kChunks, {query});
  ASSERT_EQ(samples.size(), 1u);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(samples[0].samples, chunks[0].samples);
  ASSERT_EQ(samples[0].histograms.size(), 302u);
  ASSERT_EQ(chunks[0].histograms.size(), 302u);
  for (size_t i = 0; i < 302; i++) {
    EXPECT_EQ(samples[0].histograms[i].time_ms, chunks[0].histograms[i].time_ms);
    EXPECT_TRUE(samples[0].histograms[i].floating.Equals(chunks[0].histograms[i].floating));
  }
  EXPECT_TRUE(samples[0].histograms[2].floating.Equals(SomeHistogram(2.5)));
  EXPECT_TRUE(samples[0].histograms[301].floating.Equals(custom));
  EXPECT_EQ(chunks[0].encodings, (std::vector<uint64_t>{3, 3, 3, 1, 3, 3}));
}

TEST_F(ReadHandlerTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(AskRaw("no snappy").body, "snappy: corrupt input\n");
  EXPECT_EQ(Ask("\x0a\x7f").status, 400);
  const auto answer = [&](const std::string& matcher) {
    return Ask(RequestBytes({QueryBytes(0, 9, {matcher})}, {kChunks}));
  };
  EXPECT_EQ(answer(MatcherBytes(4, "a", "b")).body, "invalid matcher type\n");
  EXPECT_EQ(answer(MatcherBytes(4, "a", "b")).status, 500);
  EXPECT_EQ(answer(MatcherBytes(kRe, "a", "(")).status, 500);
}

TEST_F(ReadHandlerTest, AnswersWithAStatusWhenStorageFailsBeforeTheFirstByte) {
  storage_.querier_status = UnavailableError("not open");
  const std::string query = QueryBytes(0, 9, {MatcherBytes(kEq, "__name__", "x")});
  for (const uint64_t type : {kSamples, kChunks}) {
    const http::Response failed = Ask(RequestBytes({query}, {type}));
    EXPECT_EQ(failed.status, 500);
    EXPECT_EQ(failed.body, "not open\n");
    EXPECT_EQ(failed.source, nullptr);
  }
}

TEST_F(ReadHandlerTest, StopsStreamingToThoseWhoHaveGone) {
  Fill({{"__name__", "x"}}, 0, 1, 10);
  metrics_ = std::make_unique<MetricRegistry>();
  options_.metrics = metrics_.get();
  http::Request request;
  request.cancel = CancelToken();
  http::Response response;
  {
    ReadHandler handler(options_);
    const std::string message =
        RequestBytes({QueryBytes(0, 9, {MatcherBytes(kEq, "__name__", "x")})}, {kChunks});
    snappy::Compress(message.data(), message.size(), &request.body);
    handler.Serve(request, &response);
  }
  EXPECT_NE(metrics_->TextExposition().find("prometheus_remote_read_handler_queries 1\n"),
            std::string::npos);
  request.cancel.Cancel();
  std::string out;
  EXPECT_EQ(response.source->Next(&out).status().code(), StatusCode::kCanceled);
  response.source.reset();
  EXPECT_NE(metrics_->TextExposition().find("prometheus_remote_read_handler_queries 0\n"),
            std::string::npos);
}

TEST(ReadGateTest, AWaiterLeavesWhenItsClientDoes) {
  HistogramMetric waits({});
  ReadGate gate(1, &waits);
  CancelToken here, gone;
  gone.Cancel();
  ASSERT_TRUE(gate.Enter(here).ok());
  EXPECT_EQ(gate.Enter(gone).code(), StatusCode::kCanceled);
  gate.Leave();
  EXPECT_TRUE(gate.Enter(here).ok());
  gate.Leave();
}

TEST(ReadRequestTest, EveryTruncationIsAnErrorOrAShorterRequest) {
  const std::string whole =
      RequestBytes({QueryBytes(-5, 9, {MatcherBytes(kRe, "a", "b"), MatcherBytes(kEq, "c", "d")},
                               WireWriter().Varint(3, 1).Varint(4, 2).str()),
                    QueryBytes(1, 2, {})},
                   {kChunks, kSamples});
  const auto parsed = ParseReadRequest(whole);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->queries.size(), 2u);
  EXPECT_EQ(parsed->queries[0].min_ms, -5);
  EXPECT_EQ(parsed->queries[0].matchers[1].value, "d");
  EXPECT_EQ(parsed->accepted_types, (std::vector<int32_t>{1, 0}));
  for (size_t n = 0; n < whole.size(); n++) {
    const auto shorter = ParseReadRequest(std::string_view(whole).substr(0, n));
    if (shorter.ok()) {
      EXPECT_LT(shorter->queries.size() + shorter->accepted_types.size(), 4u);
    }
  }
}

TEST(ReadRequestTest, AFewBytesDoNotBecomeGigabytes) {
  std::string queries, types;
  for (int i = 0; i < 100'000; i++) queries += std::string("\x0a\x00", 2);
  EXPECT_FALSE(ParseReadRequest(queries).ok());
  EXPECT_FALSE(ParseReadRequest(WireWriter().Bytes(2, std::string(100'000, '\x01')).str()).ok());
}

TEST(WireHistogramTest, IntegersSurviveTheWayThroughFloats) {
  IntHistogram h;
  h.schema = 3;
  h.count = 12;
  h.sum = 18.4;
  h.zero_threshold = 0.001;
  h.zero_count = 2;
  h.positive_spans = {{0, 2}, {1, 1}};
  h.positive_buckets = {3, -1, 2};
  h.negative_spans = {{-3, 1}};
  h.negative_buckets = {1};
  std::string message;
  AppendHistogramMessage(-7, 0, /*integer=*/true, h.ToFloat(), &message);
  WireHistogram parsed;
  ASSERT_TRUE(ParseHistogram(message, &parsed));
  EXPECT_FALSE(parsed.is_float);
  EXPECT_EQ(parsed.time_ms, -7);
  EXPECT_TRUE(parsed.integer.Equals(h));
  FloatHistogram odd = h.ToFloat();
  odd.count = 0.5;
  EXPECT_FALSE(ToIntHistogram(odd).has_value());
  for (size_t n = 0; n < message.size(); n++) {
    WireHistogram cut;
    (void)ParseHistogram(std::string_view(message).substr(0, n), &cut);
  }
}

}  // namespace
}  // namespace deucalion::remote

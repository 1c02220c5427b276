#include "server/remote/fetch/remote_readable.h"

#include <gtest/gtest.h>

#include "server/remote/read_handler.h"
#include "tests/server/remote/fake_storage.h"
#include "tests/server/remote/read_client.h"

namespace deucalion::remote {
namespace {

constexpr int64_t kNow = 100'000'000;

// Another server, reached without a network: our own remote read handler over a storage of its own.
class OtherServer {
 public:
  FakeStorage storage;
  Labels external_labels;
  bool only_samples = false;  // as a server that does not know chunks
  std::function<Result<scrape::HttpResponse>()> instead;
  std::vector<scrape::HttpRequest> requests;

  Result<scrape::HttpResponse> Serve(scrape::HttpRequest sent) {
    requests.push_back(sent);
    if (instead) return instead();
    MetricRegistry metrics;
    ReadHandler handler({.storage = [this] { return &storage; },
                         .external_labels = [this] { return external_labels; },
                         .logger = Logger::Null(),
                         .metrics = &metrics});
    http::Request request;
    request.body = only_samples ? WithoutChunks(sent.body) : std::move(sent.body);
    http::Response response;
    handler.Serve(request, &response);
    scrape::HttpResponse answer{.status = response.status,
                                .status_line = scrape::HttpStatusLine(response.status)};
    for (const auto& [name, value] : response.headers) {
      if (name == "Content-Type") answer.headers["content-type"] = value;
    }
    answer.body = BodyOf(response);
    return answer;
  }

 private:
  static std::string WithoutChunks(const std::string& block) {
    std::string message, query, out;
    EXPECT_TRUE(snappy::Uncompress(block.data(), block.size(), &message));
    WireReader in(message);
    while (in.Next()) {
      if (in.field() == 1) {
        query = in.Bytes();
      } else {
        in.Skip();
      }
    }
    const std::string request = RequestBytes({query}, {0});
    snappy::Compress(request.data(), request.size(), &out);
    return out;
  }
};

class DirectClient : public scrape::HttpClient {
 public:
  explicit DirectClient(OtherServer* server) : server_(server) {}
  void Send(scrape::HttpRequest request, Done done) override {
    done(server_->Serve(std::move(request)));
  }

 private:
  OtherServer* const server_;
};

class RemoteReadableTest : public ::testing::Test {
 protected:
  RemoteReadableTest()
      : readable_({.storage = [this] { return &local_; },
                   .metrics = &metrics_,
                   .clock = &clock_,
                   .user_agent = "test",
                   .margin_ms = 1000,
                   .client = [this](const scrape::HttpClientConfig&)
                       -> Result<std::unique_ptr<scrape::HttpClient>> {
                     return std::unique_ptr<scrape::HttpClient>(
                         std::make_unique<DirectClient>(&other_));
                   }}) {
    clock_.SetWallMs(kNow);
  }

  static config::RemoteReadConfig Entry() {
    config::RemoteReadConfig entry;
    entry.url = "http://other/api/v1/read";
    entry.name = "other";
    entry.read_recent = true;
    return entry;
  }

  // "{a="1"} 1@5 2@6; …" of one selection.
  std::string Select(const std::vector<Matcher>& matchers, int64_t min_ms = 0,
                     int64_t max_ms = kNow, const std::string& func = "") {
    auto querier = readable_.NewQuerier(min_ms, max_ms);
    EXPECT_TRUE(querier.ok()) << querier.status().ToString();
    auto set = (*querier)->Select(true, {.min_ms = min_ms, .max_ms = max_ms, .func = func},
                                  matchers, nullptr);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    warnings_ = (*querier)->Warnings();
    std::string text;
    for (size_t i = 0; i < (*set)->size(); i++) {
      Labels labels;
      (*set)->LabelsOf(i, &labels);
      text += (text.empty() ? "" : "; ") + labels.ToString();
      SampleColumns columns;
      EXPECT_TRUE((*set)->Read(i, min_ms, max_ms, &columns).ok());
      for (size_t k = 0; k < columns.times.size(); k++) {
        text += " " + std::to_string(static_cast<int>(columns.values[k])) + "@" +
                std::to_string(columns.times[k]);
      }
      for (const HistogramPoint& point : columns.histograms) {
        text += " h" + std::to_string(static_cast<int>(point.histogram.count)) + "@" +
                std::to_string(point.time_ms);
      }
    }
    return text;
  }
  std::string SelectUp() { return Select({Matcher::Equal("__name__", "up")}); }

  ManualClock clock_;
  FakeStorage local_;
  OtherServer other_;
  MetricRegistry metrics_, other_metrics_;
  RemoteReadable readable_;
  std::vector<std::string> warnings_;
};

TEST_F(RemoteReadableTest, WithoutEntriesItIsTheLocalStorage) {
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 5, 1).ok());
  EXPECT_EQ(SelectUp(), "up 1@5");
  EXPECT_TRUE(other_.requests.empty());
}

TEST_F(RemoteReadableTest, MergesSeriesAndSamplesAndTheLocalOnesWin) {
  for (const bool only_samples : {false, true}) {
    local_.memory.Clear();
    other_.storage.memory.Clear();
    other_.only_samples = only_samples;
    ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}, {"i", "b"}}, 30, 3).ok());
    ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}, {"i", "b"}}, 40, 4).ok());
    ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}, {"i", "d"}}, 1, 9).ok());
    for (int t = 10; t <= 50; t += 10) {
      ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}, {"i", "b"}}, t, 70 + t).ok());
    }
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}, {"i", "a"}}, 7, 1).ok());
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}, {"i", "c"}}, 8, 2).ok());
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "down"}}, 8, 2).ok());
    ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
    EXPECT_EQ(SelectUp(),
              "up{i=\"a\"} 1@7; "
              "up{i=\"b\"} 80@10 90@20 3@30 4@40 120@50; "
              "up{i=\"c\"} 2@8; up{i=\"d\"} 9@1");
    EXPECT_TRUE(warnings_.empty());
  }
}

TEST_F(RemoteReadableTest, HistogramsComeThroughBothKindsOfAnswer) {
  FloatHistogram h;
  h.count = 3;
  h.sum = 2;
  h.positive_spans = {{0, 1}};
  h.positive_buckets = {3};
  ASSERT_TRUE(other_.storage.memory.AppendHistogram({{"__name__", "up"}}, 20, h).ok());
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 10, 1).ok());
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  for (const bool only_samples : {false, true}) {
    other_.only_samples = only_samples;
    EXPECT_EQ(SelectUp(), "up 1@10 h3@20");
  }
}

TEST_F(RemoteReadableTest, ExternalLabelsAreAskedForAndTakenOutAgain) {
  other_.external_labels = Labels{{"replica", "1"}, {"site", "x"}};
  ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, 10, 1).ok());
  ASSERT_TRUE(readable_.Apply({Entry()}, {{"site", "x"}, {"replica", "1"}}).ok());
  EXPECT_EQ(SelectUp(), "up 1@10");
  // One that the query names itself is left as it is.
  EXPECT_EQ(Select({Matcher::Equal("__name__", "up"), Matcher::Equal("site", "x")}),
            "up{site=\"x\"} 1@10");
  // Another site's labels match nothing there.
  ASSERT_TRUE(readable_.Apply({Entry()}, {{"site", "y"}}).ok());
  EXPECT_EQ(SelectUp(), "");
  config::RemoteReadConfig all = Entry();
  all.filter_external_labels = false;
  ASSERT_TRUE(readable_.Apply({all}, {{"site", "y"}}).ok());
  EXPECT_EQ(SelectUp(), "up{replica=\"1\", site=\"x\"} 1@10");
}

TEST_F(RemoteReadableTest, AsksOnlyWithAllRequiredMatchers) {
  config::RemoteReadConfig entry = Entry();
  entry.required_matchers = {{"job", "a"}, {"env", "b"}};
  ASSERT_TRUE(readable_.Apply({entry}, {}).ok());
  SelectUp();
  Select({Matcher::Equal("job", "a"), Matcher::NotEqual("env", "b")});
  Select({Matcher::Equal("job", "a"), Matcher::Equal("env", "c")});
  EXPECT_EQ(other_.requests.size(), 0u);
  Select({Matcher::Equal("job", "a"), Matcher::Equal("env", "b")});
  EXPECT_EQ(other_.requests.size(), 1u);
}

TEST_F(RemoteReadableTest, WithoutReadRecentOnlyWhatIsOlderThanTheLocalData) {
  config::RemoteReadConfig entry = Entry();
  entry.read_recent = false;
  ASSERT_TRUE(readable_.Apply({entry}, {}).ok());
  local_.blocks = {{.id = "a", .min_ms = 50'000, .max_ms = 60'000}};
  ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, 40'000, 1).ok());
  ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, 51'000, 2).ok());
  ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, 51'001, 3).ok());
  const std::vector<Matcher> up = {Matcher::Equal("__name__", "up")};
  EXPECT_EQ(Select(up, 0, 90'000), "up 1@40000 2@51000");
  EXPECT_EQ(Select(up, 51'001, 90'000), "");
  EXPECT_EQ(other_.requests.size(), 1u);
}

TEST_F(RemoteReadableTest, WhatAnotherServerCannotAnswerIsAWarning) {
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 5, 1).ok());
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  const auto answer = [](int status, const std::string& type, const std::string& body) {
    return [=]() -> Result<scrape::HttpResponse> {
      scrape::HttpResponse response{
          .status = status, .status_line = scrape::HttpStatusLine(status), .body = body};
      response.headers["content-type"] = type;
      return response;
    };
  };
  const std::string chunks =
      "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  const struct {
    std::function<Result<scrape::HttpResponse>()> instead;
    std::string want;
  } cases[] = {
      {[]() -> Result<scrape::HttpResponse> { return UnavailableError("no route"); },
       "remote_read: error sending request: no route"},
      {answer(503, "text/plain", " busy\n"),
       "remote_read: remote server http://other/api/v1/read returned http status 503 Service "
       "Unavailable: busy"},
      {answer(200, "text/html", "hello"), "remote_read: unsupported content type: text/html"},
      {answer(200, "application/x-protobuf", "hello"), "remote_read: snappy: corrupt input"},
      {answer(200, chunks, "\x05yyyyhello"),
       "remote_read: chunkedReader: corrupted frame; checksum mismatch"},
      {answer(200, chunks, "\xff\xff\xff\xff\x7f"),
       "remote_read: chunkedReader: message size exceeded the limit 50000000 bytes; got: "
       "34359738367 bytes"},
      {answer(200, chunks, "\x05yy"), "remote_read: chunkedReader: unexpected end of the response"},
  };
  for (const auto& c : cases) {
    other_.instead = c.instead;
    EXPECT_EQ(SelectUp(), "up 1@5");
    EXPECT_EQ(warnings_, std::vector<std::string>{c.want});
  }
}

TEST_F(RemoteReadableTest, AFailureOfTheLocalStorageIsAnError) {
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  local_.querier_status = InternalError("disk on fire");
  EXPECT_EQ(readable_.NewQuerier(0, 1).status().message(), "disk on fire");
}

TEST_F(RemoteReadableTest, LabelNamesAreTheLocalOnesAndSaySo) {
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 5, 1).ok());
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  auto querier = readable_.NewQuerier(0, kNow);
  ASSERT_TRUE(querier.ok());
  bool truncated = false;
  EXPECT_EQ((*querier)->LabelNames({}, 0, &truncated)->size(), 1u);
  EXPECT_EQ((*querier)->LabelValues("__name__", {}, 0, &truncated)->size(), 1u);
  EXPECT_EQ((*querier)->Warnings(), std::vector<std::string>{"not implemented"});
}

TEST_F(RemoteReadableTest, NothingIsStableWhileOthersAreAsked) {
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  EXPECT_EQ(readable_.StableHorizonMs(), INT64_MIN);
}

TEST_F(RemoteReadableTest, DuplicatesAreRefusedAndTheOldEntriesStay) {
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  EXPECT_EQ(readable_.Apply({Entry(), Entry()}, {}).message(),
            "duplicate remote read configs are not allowed, found duplicate for URL: "
            "http://other/api/v1/read");
  SelectUp();
  EXPECT_EQ(other_.requests.size(), 1u);
  ASSERT_TRUE(readable_.Apply({}, {}).ok());
  SelectUp();
  EXPECT_EQ(other_.requests.size(), 1u);
}

TEST_F(RemoteReadableTest, SaysWhatItSendsAndCountsIt) {
  config::RemoteReadConfig entry = Entry();
  entry.headers = {{"X-Tenant", "a"}};
  entry.remote_timeout_ms = 1234;
  ASSERT_TRUE(readable_.Apply({entry}, {}).ok());
  Select({Matcher::Equal("__name__", "up")}, 7, 9, "rate");
  const scrape::HttpRequest& sent = other_.requests.at(0);
  EXPECT_EQ(sent.method + " " + sent.url, "POST http://other/api/v1/read");
  EXPECT_EQ(sent.timeout_ms, 1234);
  std::string headers;
  for (const auto& [name, value] : sent.headers) headers += name + ": " + value + "\n";
  EXPECT_EQ(headers,
            "Content-Encoding: snappy\nAccept-Encoding: snappy\nContent-Type: "
            "application/x-protobuf\nUser-Agent: test\nX-Prometheus-Remote-Read-Version: "
            "0.1.0\nX-Tenant: a\n");
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(sent.body.data(), sent.body.size(), &message));
  const auto request = ParseReadRequest(message);
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(request->queries.size(), 1u);
  EXPECT_EQ(request->queries[0].min_ms, 7);
  EXPECT_EQ(request->queries[0].max_ms, 9);
  EXPECT_EQ(request->queries[0].hints.func, "rate");
  EXPECT_EQ(request->accepted_types, (std::vector<int32_t>{1, 0}));
  const std::string shown = metrics_.TextExposition();
  const std::string labels = "remote_name=\"other\",url=\"http://other/api/v1/read\"";
  for (const std::string& line : {"prometheus_remote_storage_read_queries_total{" + labels +
                                      ",response_type=\"chunked\",code=\"200\"} 1",
                                  "prometheus_remote_storage_remote_read_queries{" + labels + "} 0",
                                  "prometheus_remote_storage_read_request_duration_seconds_count{" +
                                      labels + ",response_type=\"chunked\"} 1"}) {
    EXPECT_NE(shown.find(line), std::string::npos) << line << "\n" << shown;
  }
}

TEST_F(RemoteReadableTest, AnswersAreChargedToWhoAskedAsLongAsTheyAreHeld) {
  for (int t = 0; t < 20'000; t++) {
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, t, t).ok());
  }
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  const std::vector<Matcher> up = {Matcher::Equal("__name__", "up")};
  for (const bool only_samples : {false, true}) {
    other_.only_samples = only_samples;
    FixedBudget budget("this test", 4 << 20);
    {
      auto querier = readable_.NewQuerier(0, kNow);
      ASSERT_TRUE(querier.ok());
      (*querier)->ChargeTo(&budget);
      auto set = (*querier)->Select(true, {.max_ms = kNow}, up, nullptr);
      ASSERT_TRUE(set.ok()) << set.status().ToString();
      EXPECT_EQ(other_.requests.back().max_body_bytes, uint64_t{4} << 20);
      const uint64_t held = (uint64_t{4} << 20) - budget.LeftBytes();
      EXPECT_GE(held, 20'000u * 16);
      EXPECT_LT(held, 20'000u * 16 + 10'000);
    }
    EXPECT_EQ(budget.LeftBytes(), uint64_t{4} << 20);
  }
}

TEST_F(RemoteReadableTest, AnAnswerThatIsTooLargeForWhoAskedIsAnErrorAndNoWarning) {
  for (int t = 0; t < 20'000; t++) {
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, t, t).ok());
  }
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  FixedBudget budget("this test", 256 << 10);
  const auto select = [&] {
    auto querier = readable_.NewQuerier(0, kNow);
    EXPECT_TRUE(querier.ok());
    (*querier)->ChargeTo(&budget);
    auto set =
        (*querier)->Select(true, {.max_ms = kNow}, {Matcher::Equal("__name__", "up")}, nullptr);
    EXPECT_EQ(set.status().code(), StatusCode::kResourceExhausted);
    return set.status().message();
  };
  const std::string want = "remote_read: this test needs more memory than it may use: limit 0 MiB";
  EXPECT_EQ(select(), want);
  other_.only_samples = true;
  EXPECT_EQ(select(), want);
  // Too large on the way already: the client stops at max_body_bytes.
  other_.instead = []() -> Result<scrape::HttpResponse> {
    return ResourceExhaustedError("body size limit exceeded");
  };
  EXPECT_EQ(select(), want);
  EXPECT_EQ(budget.LeftBytes(), uint64_t{256} << 10);
}

TEST_F(RemoteReadableTest, WhoBringsNoBudgetSharesOne) {
  RemoteReadable readable(
      {.storage = [this] { return &local_; },
       .metrics = &other_metrics_,
       .max_fetched_bytes = 5 << 20,
       .client =
           [this](const scrape::HttpClientConfig&) -> Result<std::unique_ptr<scrape::HttpClient>> {
         return std::unique_ptr<scrape::HttpClient>(std::make_unique<DirectClient>(&other_));
       }});
  ASSERT_TRUE(readable.Apply({Entry()}, {}).ok());
  for (int t = 0; t < 200'000; t++) {
    ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, t, t).ok());
  }
  const auto select = [&](Querier& querier) {
    return querier.Select(true, {.max_ms = kNow}, {Matcher::Equal("__name__", "up")}, nullptr);
  };
  auto first = readable.NewQuerier(0, kNow), second = readable.NewQuerier(0, kNow);
  auto held = select(**first);
  ASSERT_TRUE(held.ok()) << held.status().ToString();
  EXPECT_EQ(select(**second).status().message(),
            "remote_read: what other servers answered to remote reads needs more memory than it "
            "may use: limit 5 MiB");
  held = InternalError("given back");
  EXPECT_TRUE(select(**second).ok());
}

// Remote readers of ours, as dashboards in front of several layers are.
class ReadThroughTest : public RemoteReadableTest {
 protected:
  http::Response Ask(uint64_t type, const std::string& query, const std::string& hops = "") {
    // A registry of its own: a name is registered once.
    handler_metrics_ = std::make_unique<MetricRegistry>();
    ReadHandler handler(
        {.storage = [this] { return &local_; },
         .querier = [this](int64_t min_ms, int64_t max_ms,
                           int n) { return readable_.NewQuerier(min_ms, max_ms, n); },
         .external_labels = [this] { return external_labels_; },
         .logger = Logger::Null(),
         .metrics = handler_metrics_.get()});
    const std::string message = RequestBytes({query}, {type});
    http::Request request;
    snappy::Compress(message.data(), message.size(), &request.body);
    http::Response response;
    if (!hops.empty()) request.headers.Set("x-deucalion-remote-read-hops", hops);
    handler.Serve(request, &response);
    return response;
  }
  std::vector<AnswerSeries> Read(uint64_t type, const std::string& query) {
    http::Response response = Ask(type, query);
    EXPECT_EQ(response.status, 200) << response.body;
    const std::string body = BodyOf(response);
    return type == 0 ? ReadSamplesAnswer(body) : ReadChunksAnswer(body);
  }
  using Samples = std::vector<std::pair<int64_t, double>>;

  Labels external_labels_;
  std::unique_ptr<MetricRegistry> handler_metrics_;
};

TEST_F(ReadThroughTest, GetWhatOthersHaveWhereverItLies) {
  local_.bounds = {1000, 2000};
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 1000, 1).ok());
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 2000, 2).ok());
  const Labels up{{"__name__", "up"}}, elsewhere{{"__name__", "up"}, {"i", "a"}};
  for (const int64_t time_ms : {-7, 5, 1500, 99'000'000}) {
    ASSERT_TRUE(other_.storage.memory.Append(up, time_ms, 3).ok());
    ASSERT_TRUE(other_.storage.memory.Append(elsewhere, time_ms, 4).ok());
  }
  other_.storage.bounds = {-7, 99'000'000};
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  const std::string matcher = MatcherBytes(0, "__name__", "up");
  for (const uint64_t type : {0, 1}) {
    const auto got = Read(type, QueryBytes(INT64_MIN, INT64_MAX, {matcher}));
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].samples,
              (Samples{{-7, 3}, {5, 3}, {1000, 1}, {1500, 3}, {2000, 2}, {99'000'000, 3}}));
    EXPECT_EQ(got[1].samples, (Samples{{-7, 4}, {5, 4}, {1500, 4}, {99'000'000, 4}}));
    EXPECT_EQ(Read(type, QueryBytes(1, 1999, {matcher}))[0].samples,
              (Samples{{5, 3}, {1000, 1}, {1500, 3}}));
    EXPECT_EQ(Read(type, QueryBytes(3000, INT64_MAX, {matcher})).size(), 2u);
  }
}

TEST_F(ReadThroughTest, ExternalLabelsAreAddedAndTheQuestionIsHandedOn) {
  ASSERT_TRUE(other_.storage.memory.Append({{"__name__", "up"}}, 10, 1).ok());
  external_labels_ = Labels{{"site", "x"}};
  other_.external_labels = Labels{{"site", "x"}};
  ASSERT_TRUE(readable_.Apply({Entry()}, external_labels_).ok());
  const std::string hints = WireWriter()
                                .Varint(1, 5)
                                .Bytes(2, "rate")
                                .Varint(3, 8)
                                .Varint(4, 20)
                                .Bytes(5, "job")
                                .Varint(6, 1)
                                .Varint(7, 60)
                                .str();
  const auto got = Read(1, QueryBytes(0, 99, {MatcherBytes(0, "__name__", "up")}, hints));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].labels, "__name__=\"up\",site=\"x\"");
  std::string message;
  const std::string& sent = other_.requests.at(0).body;
  ASSERT_TRUE(snappy::Uncompress(sent.data(), sent.size(), &message));
  const auto request = ParseReadRequest(message);
  ASSERT_TRUE(request.ok());
  const ReadHints& handed_on = request->queries.at(0).hints;
  EXPECT_EQ(handed_on.step_ms, 5);
  EXPECT_EQ(handed_on.func, "rate");
  EXPECT_EQ(handed_on.min_ms, 8);
  EXPECT_EQ(handed_on.max_ms, 20);
  EXPECT_EQ(handed_on.grouping, std::vector<std::string_view>{"job"});
  EXPECT_TRUE(handed_on.by);
  EXPECT_EQ(handed_on.range_ms, 60);
}

TEST_F(ReadThroughTest, ServersInACircleDoNotAskForEver) {
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  const std::string query = QueryBytes(0, 99, {MatcherBytes(0, "__name__", "up")});
  const auto hops_sent = [&] {
    for (const auto& [name, value] : other_.requests.back().headers) {
      if (name == "X-Deucalion-Remote-Read-Hops") return value;
    }
    return std::string("none");
  };
  SelectUp();
  EXPECT_EQ(hops_sent(), "none");
  const std::pair<const char*, const char*> cases[] = {
      {"", "1"}, {"nonsense", "1"}, {"-3", "1"}, {"1", "2"}, {"4", "5"}};
  for (const auto& [got, sent] : cases) {
    EXPECT_EQ(Ask(0, query, got).status, 200);
    EXPECT_EQ(hops_sent(), sent) << got;
  }
  const size_t before = other_.requests.size();
  const http::Response refused = Ask(0, query, "5");
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.body,
            "the remote read came through more than 4 servers. Do they read each other in a "
            "circle?\n");
  EXPECT_EQ(other_.requests.size(), before);
}

TEST_F(ReadThroughTest, WhatAnotherServerCannotAnswerIsLeftOut) {
  ASSERT_TRUE(local_.memory.Append({{"__name__", "up"}}, 5, 1).ok());
  ASSERT_TRUE(readable_.Apply({Entry()}, {}).ok());
  other_.instead = []() -> Result<scrape::HttpResponse> { return UnavailableError("no route"); };
  for (const uint64_t type : {0, 1}) {
    const auto got = Read(type, QueryBytes(0, 99, {MatcherBytes(0, "__name__", "up")}));
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].samples, (Samples{{5, 1}}));
  }
}

TEST_F(RemoteReadableTest, ACancelledQueryDoesNotWaitForTheAnswer) {
  class Silent : public scrape::HttpClient {
   public:
    void Send(scrape::HttpRequest, Done) override {}
  };
  MetricRegistry metrics;
  RemoteReadable readable({.storage = [this] { return &local_; },
                           .metrics = &metrics,
                           .clock = &clock_,
                           .client = [](const scrape::HttpClientConfig&)
                               -> Result<std::unique_ptr<scrape::HttpClient>> {
                             return std::unique_ptr<scrape::HttpClient>(std::make_unique<Silent>());
                           }});
  ASSERT_TRUE(readable.Apply({Entry()}, {}).ok());
  auto querier = readable.NewQuerier(0, kNow);
  ASSERT_TRUE(querier.ok());
  CancelToken client;
  client.Cancel();
  const CancelToken deadline(&clock_, 0, &client);
  EXPECT_EQ((*querier)->Select(true, {.max_ms = kNow}, {}, &deadline).status().code(),
            StatusCode::kCanceled);
}

}  // namespace
}  // namespace deucalion::remote

#include "server/remote/send/write_transport.h"

#include <gtest/gtest.h>

#include <map>

#include "server/remote/auth/sigv4.h"

namespace deucalion::remote {
namespace {

// Answers every request with one response and remembers the request.
class FakeEngine final : public scrape::HttpEngine {
 public:
  Result<std::unique_ptr<scrape::HttpClient>> NewClient(const scrape::HttpClientConfig&) override {
    return std::unique_ptr<scrape::HttpClient>(std::make_unique<Client>(this));
  }
  scrape::HttpRequest request;
  Result<scrape::HttpResponse> response = scrape::HttpResponse();

 private:
  class Client final : public scrape::HttpClient {
   public:
    explicit Client(FakeEngine* engine) : engine_(engine) {}
    void Send(scrape::HttpRequest request, Done done) override {
      engine_->request = std::move(request);
      done(engine_->response);
    }

   private:
    FakeEngine* const engine_;
  };
};

class WriteTransportTest : public ::testing::Test {
 protected:
  WriteTransportTest() { config_.url = "http://there/api/v1/write"; }

  WriteReply Send(int attempt = 0) {
    auto transport = NewHttpTransport(&engine_, config_, "Prometheus/3.14.0", &clock_);
    EXPECT_TRUE(transport.ok());
    WriteReply got;
    (*transport)->Send("body", attempt, [&](WriteReply reply) { got = std::move(reply); });
    return got;
  }
  WriteReply Answer(int status, std::map<std::string, std::string, std::less<>> headers = {}) {
    scrape::HttpResponse response;
    response.status = status;
    response.status_line = scrape::HttpStatusLine(status);
    response.body = "why";
    response.headers = std::move(headers);
    engine_.response = std::move(response);
    return Send();
  }
  std::string Header(std::string_view name) {
    for (const auto& [n, value] : engine_.request.headers) {
      if (n == name) return value;
    }
    return "";
  }

  ManualClock clock_{1'700'000'000'000};
  FakeEngine engine_;
  config::RemoteWriteConfig config_;
};

TEST_F(WriteTransportTest, SignsForAmazonWhenTheEntrySaysSo) {
  config_.url = "http://there:80/workspaces/w/api/v1/remote_write";
  config_.sigv4.emplace();
  config_.sigv4->region = "eu-west-1";
  config_.sigv4->access_key = "key";
  config_.sigv4->secret_key = "secret";
  Answer(204);
  EXPECT_EQ(Header("X-Amz-Date"), "20231114T221320Z");
  // The same fields, signed by hand.
  const auto want =
      SignAws({.method = "POST",
               .host = "there",
               .path = "/workspaces/w/api/v1/remote_write",
               .content_type = "application/x-protobuf",
               .body = "body"},
              {.access_key = "key", .secret_key = "secret"}, {"eu-west-1", "aps"}, clock_.NowMs());
  EXPECT_EQ(Header("Authorization"), want[0].second);
  config_.sigv4->service_name = "other";
  Answer(204);
  EXPECT_NE(Header("Authorization").find("/eu-west-1/other/aws4_request, "), std::string::npos);
}

TEST_F(WriteTransportTest, WithoutKeysToSignWithThereIsNoTransport) {
  config_.sigv4.emplace();
  const Surroundings nothing{
      .environment =
          [](const char* name) {
            return std::string(name == std::string_view("AWS_EC2_METADATA_DISABLED") ? "true" : "");
          },
      .file = [](const std::string&) -> std::optional<std::string> { return std::nullopt; }};
  const auto transport = NewHttpTransport(&engine_, config_, "agent", &clock_, nothing);
  ASSERT_FALSE(transport.ok());
  EXPECT_TRUE(transport.status().message().starts_with("could not get SigV4 credentials: "));
}

TEST_F(WriteTransportTest, WithoutATokenTheRequestIsTriedAgain) {
  config_.azuread.emplace().cloud = "AzurePublic";
  config_.azuread->managed_identity.emplace();
  const WriteReply down = Answer(503);
  EXPECT_EQ(down.kind, WriteReply::Kind::kRetry);
  EXPECT_EQ(down.status, 0);
  EXPECT_TRUE(down.error.starts_with("Failed to get access token: GET http")) << down.error;
  engine_.response = scrape::HttpResponse{
      .status = 200, .status_line = "200 OK", .body = R"({"access_token": "a"})"};
  EXPECT_EQ(Send().kind, WriteReply::Kind::kTaken);
  EXPECT_EQ(engine_.request.url, "http://there/api/v1/write");
  EXPECT_EQ(Header("Authorization"), "Bearer a");
}

TEST_F(WriteTransportTest, SaysWhichVersionItSpeaks) {
  config_.headers = {{"X-Scope-OrgID", "me"}};
  config_.round_robin_dns = true;
  Answer(204);
  EXPECT_EQ(engine_.request.method, "POST");
  EXPECT_EQ(engine_.request.body, "body");
  EXPECT_EQ(engine_.request.timeout_ms, 30'000);
  EXPECT_TRUE(engine_.request.shuffle_addresses);
  EXPECT_EQ(Header("Content-Encoding"), "snappy");
  EXPECT_EQ(Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(Header("X-Prometheus-Remote-Write-Version"), "0.1.0");
  EXPECT_EQ(Header("User-Agent"), "Prometheus/3.14.0");
  EXPECT_EQ(Header("X-Scope-OrgID"), "me");
  EXPECT_EQ(Header("Retry-Attempt"), "");
  config_.protobuf_message = config::RemoteWriteConfig::kV2;
  Send(3);
  EXPECT_EQ(Header("Content-Type"), "application/x-protobuf;proto=io.prometheus.write.v2.Request");
  EXPECT_EQ(Header("X-Prometheus-Remote-Write-Version"), "2.0.0");
  EXPECT_EQ(Header("Retry-Attempt"), "3");
}

TEST_F(WriteTransportTest, OnlyNetworkErrorsAnd5xxAnd429IfAskedForAreRetried) {
  using Kind = WriteReply::Kind;
  engine_.response = UnavailableError("connection refused");
  EXPECT_EQ(Send().kind, Kind::kRetry);
  EXPECT_EQ(Answer(200).kind, Kind::kTaken);
  EXPECT_EQ(Answer(204).kind, Kind::kTaken);
  for (const int status : {300, 400, 401, 404, 409, 413, 429}) {
    EXPECT_EQ(Answer(status).kind, Kind::kRefused) << status;
  }
  for (const int status : {500, 502, 503, 599}) {
    EXPECT_EQ(Answer(status).kind, Kind::kRetry) << status;
  }
  config_.queue.retry_on_http_429 = true;
  const WriteReply slow = Answer(429, {{"retry-after", "12"}});
  EXPECT_EQ(slow.kind, Kind::kRetry);
  EXPECT_EQ(slow.retry_after_ms, 12'000);
  EXPECT_EQ(slow.error, "server returned HTTP status 429 Too Many Requests: why");
}

TEST_F(WriteTransportTest, ReadsWhatWasWritten) {
  const WriteStats stats = Answer(400, {{"x-prometheus-remote-write-samples-written", "7"},
                                        {"x-prometheus-remote-write-exemplars-written", "x"}})
                               .written;
  EXPECT_TRUE(stats.present);
  EXPECT_EQ(stats.samples, 7);
  EXPECT_EQ(stats.exemplars, 0);
  EXPECT_FALSE(Answer(204).written.present);
}

TEST_F(WriteTransportTest, RetryAfterIsSecondsOrADate) {
  constexpr int64_t kNow = 1'700'000'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  const struct {
    const char* header;
    int64_t want_ms;
  } cases[] = {{"", 0},
               {"5", 5'000},
               {" 5 ", 5'000},
               {"0", 0},
               {"-3", 0},
               {"soon", 0},
               {"5s", 0},
               {"99999999999999", 86'400'000},
               {"99999999999999999999999", 0},
               {"Tue, 14 Nov 2023 22:13:50 GMT", 30'000},
               {"Tue, 14 Nov 2023 22:13:00 GMT", 0},
               {"Tue, 14 Nov 2023", 0}};
  for (const auto& c : cases) EXPECT_EQ(RetryAfterMs(c.header, kNow), c.want_ms) << c.header;
}

}  // namespace
}  // namespace deucalion::remote

#include "server/http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "server/http/router.h"
#include "tests/server/http/raw_client.h"

namespace deucalion::http {
namespace {

using std::chrono::milliseconds;

// Produces `total` bytes in pieces of 64 KiB.
class BigBody : public BodySource {
 public:
  explicit BigBody(size_t total) : left_(total) {}
  Result<bool> Next(std::string* out) override {
    const size_t n = std::min<size_t>(left_, 64 << 10);
    out->append(n, 'x');
    left_ -= n;
    return left_ > 0;
  }

 private:
  size_t left_;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.listen_addresses = {"127.0.0.1:0"};
    options_.admin.threads = 2;
    options_.query.threads = 1;
    options_.query.max_queue = 1;
    router_.Get("/hello", [](Request&, Response* r) { r->SetBody("hello", "text/plain"); });
    router_.Handle("HEAD", "/hello",
                   [](Request&, Response* r) { r->SetBody("hello", "text/plain"); });
    router_.Post("/echo", [](Request& q, Response* r) { r->SetBody(q.body, "text/plain"); });
    router_.Get("/big",
                [](Request&, Response* r) { r->source = std::make_unique<BigBody>(20 << 20); },
                {.compress = false});
    router_.Get("/block",
                [this](Request& q, Response* r) {
                  started_++;
                  started_.notify_all();
                  while (!release_ && !q.cancel.canceled()) std::this_thread::yield();
                  if (q.cancel.canceled()) {
                    canceled_ = true;
                    canceled_.notify_all();
                  }
                  r->SetBody("released", "text/plain");
                },
                {.pool = PoolClass::kQuery});
    router_.Get("/label/:name/values", [](Request& q, Response* r) {
      r->SetBody(std::string(q.path_params.Get("name")), "text/plain");
    });
    router_.Get("/throws", [](Request&, Response*) { throw std::runtime_error("secret detail"); });
  }

  void Start() {
    server_ = std::make_unique<Server>(options_, &router_, &metrics_, Logger::Null());
    ASSERT_TRUE(server_->Start().ok());
  }
  uint16_t port() const { return server_->ports()[0]; }
  std::string Ask(std::string_view request, std::string_view until) {
    RawClient client(port());
    client.Send(request);
    return client.ReadUntil(until);
  }

  ServerOptions options_;
  Router router_;
  MetricRegistry metrics_;
  std::atomic<int> started_{0};
  std::atomic<bool> release_{false};
  std::atomic<bool> canceled_{false};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersGetWithLengthAndKeepsTheConnection) {
  Start();
  RawClient client(port());
  for (int i = 0; i < 3; i++) {
    client.Forget();
    client.Send(GetRequest("/hello"));
    const std::string answer = client.ReadUntil("hello");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos) << answer;
  }
}

TEST_F(ServerTest, AnswersEveryPipelinedRequest) {
  Start();
  std::string five;
  for (int i = 0; i < 5; i++) five += GetRequest("/hello");
  RawClient client(port());
  client.Send(five);
  const std::string answers = client.ReadUntil("\r\n\r\nhello", 5);
  size_t seen = 0;
  for (size_t at = 0; (at = answers.find("\r\n\r\nhello", at)) != std::string::npos; at++) seen++;
  EXPECT_EQ(seen, 5u);
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  Start();
  RawClient client(port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReadToEnd();
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, ReadsBodiesWithLengthAndInChunks) {
  Start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  for (const std::string& request :
       {head + "Content-Length: 9\r\n\r\nsome text",
        head + "Transfer-Encoding: chunked\r\n\r\n5\r\nsome \r\n4\r\ntext\r\n0\r\n\r\n"}) {
    RawClient client(port());
    client.Send(request);
    EXPECT_TRUE(client.ReadToEnd().ends_with("\r\n\r\nsome text"));
  }
}

TEST_F(ServerTest, AsksForTheBodyWhenTheClientWaits) {
  Start();
  RawClient client(port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  client.Forget();
  client.Send("ok");
  EXPECT_TRUE(client.ReadUntil("ok").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesShapesThatSmuggleRequests) {
  Start();
  const struct {
    std::string request;
    std::string want;
  } cases[] = {
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       "400"},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n",
       "400"},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", "413"},
      {"GET /hello HTTP/1.1\r\nHost: a\r\n bad: folded\r\n\r\n", "400"},
      {"\x01\x02\x03 binary\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n", "431"},
      {GetRequest("/" + std::string(100'000, 'a')), "414"},
  };
  for (const auto& c : cases) {
    RawClient client(port());
    client.Send(c.request);
    const std::string answer = client.ReadToEnd();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + c.want)) << c.request.substr(0, 80) << answer;
    EXPECT_TRUE(client.closed()) << c.request.substr(0, 80);
  }
}

TEST_F(ServerTest, RefusesTenThousandHeaders) {
  Start();
  std::string headers;
  for (int i = 0; i < 10'000; i++) headers += "A" + std::to_string(i) + ": b\r\n";
  EXPECT_TRUE(Ask(GetRequest("/hello", headers), "\r\n\r\n").starts_with("HTTP/1.1 431"));
}

TEST_F(ServerTest, MissesAreAnsweredAsPrometheusAnswersThem) {
  Start();
  EXPECT_TRUE(Ask(GetRequest("/nothing", "Connection: close\r\n"), "found\n")
                  .ends_with("404 page not found\n"));
  const std::string post =
      Ask("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "\r\n\r\n");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405")) << post;
  EXPECT_NE(post.find("Allow: "), std::string::npos);
  EXPECT_TRUE(Ask(GetRequest("/label/a%20b/values"), "a b").ends_with("a b"));
}

TEST_F(ServerTest, AnExceptionIs500WithoutItsText) {
  Start();
  const std::string answer = Ask(GetRequest("/throws", "Connection: close\r\n"), "~never~");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(ServerTest, SlowHeadersAreCutAndDelayNobody) {
  options_.timeouts.header = milliseconds(300);
  Start();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 50; i++) {
    slow.push_back(std::make_unique<RawClient>(port()));
    slow.back()->Send("GET /hello HTTP/1.1\r\nX-");
  }
  EXPECT_TRUE(Ask(GetRequest("/hello"), "hello").starts_with("HTTP/1.1 200"));
  for (auto& client : slow) {
    client->ReadToEnd(5000);
    EXPECT_TRUE(client->closed());
  }
}

TEST_F(ServerTest, ASlowReaderHoldsNoWorkerAndIsCut) {
  options_.admin.threads = 1;
  options_.timeouts.write_progress = milliseconds(500);
  Start();
  RawClient slow(port());
  slow.Send(GetRequest("/big"));
  // The only worker is free again although nobody reads those 20 MB.
  EXPECT_TRUE(Ask(GetRequest("/hello"), "hello").starts_with("HTTP/1.1 200"));
  while (server_->connections() > 0) std::this_thread::yield();
  EXPECT_LT(slow.ReadToEnd().size(), 20u << 20);
  EXPECT_TRUE(slow.closed());
}

TEST_F(ServerTest, StreamsAWholeBodyToAReader) {
  Start();
  RawClient client(port());
  client.Send("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_GT(client.ReadToEnd().size(), 20u << 20);
}

TEST_F(ServerTest, AClientThatLeavesCancelsItsRequest) {
  Start();
  {
    RawClient client(port());
    client.Send(GetRequest("/block"));
    started_.wait(0);
  }
  canceled_.wait(false);
  EXPECT_TRUE(canceled_);
}

TEST_F(ServerTest, AFullQueueIs503WithRetryAfterAndOtherPoolsGoOn) {
  Start();
  RawClient running(port()), waiting(port());
  running.Send(GetRequest("/block"));
  started_.wait(0);
  waiting.Send(GetRequest("/block"));
  std::string refused;
  for (int i = 0; i < 100 && !refused.starts_with("HTTP/1.1 503"); i++) {
    RawClient client(port());
    client.Send(GetRequest("/block"));
    refused = client.ReadUntil("\r\n\r\n", 1, 100);
  }
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
  EXPECT_NE(refused.find("Retry-After:"), std::string::npos);
  EXPECT_TRUE(Ask(GetRequest("/hello"), "hello").starts_with("HTTP/1.1 200"));
  release_ = true;
  EXPECT_TRUE(running.ReadUntil("released").ends_with("released"));
}

TEST_F(ServerTest, StopLetsRequestsInFlightEnd) {
  Start();
  RawClient idle(port()), busy(port());
  busy.Send(GetRequest("/block"));
  started_.wait(0);
  std::jthread stopper([this] { server_->Stop(milliseconds(10'000)); });
  idle.ReadToEnd();
  EXPECT_TRUE(idle.closed());
  release_ = true;
  EXPECT_TRUE(busy.ReadToEnd().ends_with("released"));
}

TEST_F(ServerTest, StopCancelsWhatIsLeftAtTheDeadline) {
  Start();
  RawClient busy(port());
  busy.Send(GetRequest("/block"));
  started_.wait(0);
  server_->Stop(milliseconds(50));
  EXPECT_TRUE(canceled_);
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitWaitForAPlace) {
  options_.max_connections = 2;
  Start();
  auto first = std::make_unique<RawClient>(port());
  RawClient second(port());
  for (RawClient* client : {first.get(), &second}) {
    client->Send(GetRequest("/hello"));
    client->ReadUntil("hello");
  }
  RawClient third(port());
  third.Send(GetRequest("/hello"));
  EXPECT_EQ(third.ReadUntil("hello", 1, 200), "");
  first.reset();
  EXPECT_TRUE(third.ReadUntil("hello").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, CountsRequestsByHandlerAndCode) {
  Start();
  Ask(GetRequest("/hello", "Connection: close\r\n"), "hello");
  server_->Stop(milliseconds(1000));
  EXPECT_NE(metrics_.TextExposition().find(
                "prometheus_http_requests_total{handler=\"/hello\",code=\"200\"} 1"),
            std::string::npos)
      << metrics_.TextExposition();
}

TEST_F(ServerTest, CompressesWhenTheClientAccepts) {
  router_.Get("/long", [](Request&, Response* r) {
    r->SetBody(std::string(100'000, 'a'), "application/json");
  });
  Start();
  const std::string answer =
      Ask(GetRequest("/long", "Accept-Encoding: gzip\r\nConnection: close\r\n"), "~never~");
  EXPECT_NE(answer.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_LT(answer.size(), 5000u);
}

TEST_F(ServerTest, SpeaksHttp10) {
  Start();
  RawClient once(port());
  once.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(once.ReadToEnd().ends_with("\r\n\r\nhello"));
  EXPECT_TRUE(once.closed());
  RawClient keeps(port());
  for (int i = 0; i < 2; i++) {
    keeps.Forget();
    keeps.Send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(keeps.ReadUntil("hello").find("Connection: keep-alive\r\n"), std::string::npos);
  }
  RawClient stream(port());
  stream.Send("GET /big HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string answer = stream.ReadToEnd();
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 20u << 20);
}

TEST_F(ServerTest, PipelinedRequestsToAPoolAreAnsweredInOrder) {
  Start();
  std::string many;
  for (int i = 0; i < 200; i++) {
    const std::string body = "<" + std::to_string(i) + ">";
    many += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body;
  }
  RawClient client(port());
  client.Send(many);
  const std::string answers = client.ReadUntil("<199>");
  size_t at = 0;
  for (int i = 0; i < 200; i++) {
    at = answers.find("<" + std::to_string(i) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(ServerTest, PushesEventsUntilTheFeederCloses) {
  const auto feed = std::make_shared<PushStream>();
  router_.Get("/events", [feed](Request&, Response* r) {
    r->headers.Set("Content-Type", "text/event-stream");
    r->push = feed;
  });
  Start();
  RawClient client(port());
  client.Send(GetRequest("/events"));
  client.ReadUntil("\r\n\r\n");
  for (int i = 0; i < 3; i++) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    EXPECT_TRUE(feed->Send(event));
    EXPECT_NE(client.ReadUntil(event).find(event), std::string::npos);
  }
  feed->Close();
  EXPECT_NE(client.ReadUntil("0\r\n\r\n").find("\r\n0\r\n\r\n"), std::string::npos);
  client.Forget();
  client.Send(GetRequest("/hello"));
  EXPECT_TRUE(client.ReadUntil("hello").ends_with("hello"));
}

TEST_F(ServerTest, TheFeederLearnsThatItsClientLeft) {
  const auto feed = std::make_shared<PushStream>();
  router_.Get("/events", [feed](Request&, Response* r) { r->push = feed; });
  Start();
  {
    RawClient client(port());
    client.Send(GetRequest("/events"));
    client.ReadUntil("\r\n\r\n");
  }
  while (feed->Send("x")) std::this_thread::yield();
  EXPECT_TRUE(feed->closed());
}

TEST_F(ServerTest, StopEndsPushStreams) {
  const auto feed = std::make_shared<PushStream>();
  router_.Get("/events", [feed](Request&, Response* r) { r->push = feed; });
  Start();
  RawClient client(port());
  client.Send(GetRequest("/events"));
  client.ReadUntil("\r\n\r\n");
  server_->Stop(milliseconds(10'000));
  EXPECT_TRUE(client.ReadToEnd().ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, WaitingTooLongInTheQueueIs503) {
  options_.query.max_wait = milliseconds(100);
  Start();
  RawClient running(port()), waiting(port());
  running.Send(GetRequest("/block"));
  started_.wait(0);
  waiting.Send(GetRequest("/block"));
  EXPECT_TRUE(waiting.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 503"));
  waiting.Forget();
  waiting.Send(GetRequest("/hello"));
  EXPECT_TRUE(waiting.ReadUntil("hello").ends_with("hello"));
  release_ = true;
  EXPECT_TRUE(running.ReadUntil("released").ends_with("released"));
}

TEST_F(ServerTest, SlowBodiesAreCut) {
  options_.timeouts.body_progress = milliseconds(200);
  Start();
  RawClient client(port());
  client.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  EXPECT_TRUE(client.ReadToEnd().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, RefusesBodiesBeyondTheLimitBeforeTheyCome) {
  options_.limits.admin_body_bytes = 1000;
  Start();
  for (const char* framing :
       {"Content-Length: 1001\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e9\r\n"}) {
    RawClient client(port());
    client.Send("POST /echo HTTP/1.1\r\nHost: a\r\n" + std::string(framing));
    client.Send(std::string(300'000, 'x'));
    EXPECT_TRUE(client.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 413")) << framing;
  }
}

TEST_F(ServerTest, RefusesBodiesBeyondWhatAllMayHoldTogether) {
  options_.limits.total_body_bytes = 10'000;
  Start();
  RawClient first(port());
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
  first.Send(head + std::string(8000, 'x'));
  std::string second;
  for (int i = 0; i < 100 && !second.starts_with("HTTP/1.1 503"); i++) {
    second = Ask(head + std::string(9000, 'x'), "\r\n\r\n");
  }
  EXPECT_TRUE(second.starts_with("HTTP/1.1 503")) << second;
  first.Send(std::string(1000, 'x'));
  EXPECT_TRUE(first.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(ServerTest, BodilessStatusesHaveNoLength) {
  router_.Get("/none", [](Request&, Response* r) { r->status = 204; });
  router_.Get("/odd", [](Request&, Response* r) { r->Error(499, "canceled"); });
  Start();
  const std::string none = Ask(GetRequest("/none", "Connection: close\r\n"), "~never~");
  EXPECT_TRUE(none.starts_with("HTTP/1.1 204 No Content\r\n")) << none;
  EXPECT_EQ(none.find("Content-Length"), std::string::npos) << none;
  EXPECT_TRUE(Ask(GetRequest("/odd"), "\r\n\r\n").starts_with("HTTP/1.1 499 status code 499\r\n"));
}

TEST_F(ServerTest, HeaderValuesCannotEndTheirLine) {
  router_.Get("/split",
              [](Request&, Response* r) { r->headers.Set("X-Evil", "a\r\nSet-Cookie: b"); });
  Start();
  const std::string answer = Ask(GetRequest("/split"), "\r\n\r\n");
  EXPECT_EQ(answer.find("\r\nSet-Cookie"), std::string::npos) << answer;
}

TEST_F(ServerTest, TheGateComesBeforeEveryHandler) {
  options_.gate = [](const Request& q, Response* r) {
    r->headers.Set("X-Frame-Options", "deny");
    if (q.headers.Get("Authorization") == "yes") return true;
    r->Error(401, "Unauthorized");
    return false;
  };
  Start();
  for (const char* path : {"/hello", "/unknown"}) {
    EXPECT_TRUE(Ask(GetRequest(path), "\r\n\r\n").starts_with("HTTP/1.1 401")) << path;
  }
  const std::string answer = Ask(GetRequest("/hello", "Authorization: yes\r\n"), "hello");
  EXPECT_NE(answer.find("X-Frame-Options: deny\r\n"), std::string::npos) << answer;
}

TEST_F(ServerTest, LongQueriesInTheRequestLineWork) {
  router_.Get("/query", [](Request& q, Response* r) {
    r->SetBody("size " + std::to_string(q.Query().Get("query").size()), "text/plain");
  });
  Start();
  const std::string line = "/query?query=" + std::string(60'000, 'x');
  EXPECT_TRUE(Ask(GetRequest(line), "60000").ends_with("size 60000"));
  EXPECT_TRUE(
      Ask(GetRequest(line + std::string(10'000, 'x')), "\r\n\r\n").starts_with("HTTP/1.1 414"));
}

TEST_F(ServerTest, ServesFromSeveralLoopsAndAddresses) {
  options_.io_threads = 3;
  options_.listen_addresses = {"127.0.0.1:0", "localhost:0"};
  Start();
  ASSERT_EQ(server_->ports().size(), 2u);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 12; i++) {
    clients.push_back(std::make_unique<RawClient>(server_->ports()[0]));
    clients.back()->Send(GetRequest("/hello"));
  }
  for (auto& client : clients) EXPECT_TRUE(client->ReadUntil("hello").ends_with("hello"));
}

TEST_F(ServerTest, SaysInGosWordsWhyItCannotListen) {
  Start();
  const std::string address = "127.0.0.1:" + std::to_string(port());
  ServerOptions options;
  options.listen_addresses = {address};
  Server second(options, &router_, nullptr, Logger::Null());
  EXPECT_EQ(second.Start().message(), "listen tcp " + address + ": bind: address already in use");
  options.listen_addresses = {"nothing"};
  Server third(options, &router_, nullptr, Logger::Null());
  EXPECT_EQ(third.Start().message(), "listen tcp: address nothing: missing port in address");
}

}  // namespace
}  // namespace deucalion::http

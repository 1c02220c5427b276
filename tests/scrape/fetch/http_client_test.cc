#include "scrape/fetch/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>
#include <zlib.h>

#include <chrono>
#include <fstream>
#include <future>

#include "tests/support/socket_server.h"

namespace deucalion::scrape {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpClientTest : public ::testing::Test {
 protected:
  Result<HttpResponse> Send(HttpRequest request, HttpClientConfig config = {}) {
    Status valid = config.Validate();
    if (!valid.ok()) return valid;
    Result<std::unique_ptr<HttpClient>> client = engine_->NewClient(config);
    if (!client.ok()) return client.status();
    return Send(client->get(), std::move(request));
  }
  static Result<HttpResponse> Send(HttpClient* client, HttpRequest request) {
    std::promise<Result<HttpResponse>> promise;
    client->Send(std::move(request),
                 [&promise](Result<HttpResponse> r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
  }
  std::string ErrorOf(HttpRequest request) { return Send(std::move(request)).status().message(); }

  std::unique_ptr<HttpEngine> engine_ = NewHttpEngine();
};

// Answers every request with `reply`, remembers the last one.
class FixedServer {
 public:
  explicit FixedServer(std::string reply)
      : server_([this, reply = std::move(reply)](SocketServer::Connection& c) {
          for (std::string r = c.ReadRequest(); !r.empty(); r = c.ReadRequest()) {
            {
              std::lock_guard<std::mutex> lock(mu_);
              last_ = r;
            }
            c.Write(reply);
          }
        }) {}
  std::string last() {
    std::lock_guard<std::mutex> lock(mu_);
    return last_;
  }
  SocketServer* operator->() { return &server_; }

 private:
  std::mutex mu_;
  std::string last_;
  SocketServer server_;
};

std::string Gzip(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = text.size();
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = out.size();
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST_F(HttpClientTest, ReturnsStatusHeadersAndBody) {
  FixedServer server(HttpReply("200 OK", "a 1\n", "Content-Type: text/plain\r\n"));
  const Result<HttpResponse> got =
      Send({.url = server->Url(), .headers = {{"Accept", "x/y"}, {"X-Empty", ""}}});
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->status_line, "200 OK");
  EXPECT_EQ(got->body, "a 1\n");
  EXPECT_EQ(got->Header("content-type"), "text/plain");
  EXPECT_THAT(server.last(), HasSubstr("GET /metrics HTTP/1.1\r\n"));
  EXPECT_THAT(server.last(), HasSubstr("Accept: x/y\r\n"));
}

TEST_F(HttpClientTest, KeepsConnections) {
  FixedServer server(HttpReply("200 OK", "x"));
  auto client = engine_->NewClient({});
  ASSERT_TRUE(client.ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Send(client->get(), {.url = server->Url()}).ok());
  EXPECT_EQ(server->connections(), 1);
}

TEST_F(HttpClientTest, ServesManyTransfersAtOnce) {
  FixedServer server(HttpReply("200 OK", std::string(10'000, 'x')));
  auto client = engine_->NewClient({});
  ASSERT_TRUE(client.ok());
  std::vector<std::promise<bool>> promises(200);
  for (auto& p : promises) {
    (*client)->Send({.url = server->Url()}, [&p](Result<HttpResponse> r) {
      p.set_value(r.ok() && r->body.size() == 10'000);
    });
  }
  for (auto& p : promises) EXPECT_TRUE(p.get_future().get());
}

TEST_F(HttpClientTest, ReportsOtherStatusesAsResponses) {
  FixedServer server(HttpReply("500 Internal Server Error", "oops"));
  const Result<HttpResponse> got = Send({.url = server->Url()});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->status_line, "500 Internal Server Error");
}

TEST_F(HttpClientTest, WordsConnectionErrorsAsGoDoes) {
  EXPECT_EQ(
      ErrorOf({.url = "http://127.0.0.1:1/metrics"}),
      "Get \"http://127.0.0.1:1/metrics\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_THAT(ErrorOf({.url = "http://nosuchhost.invalid/metrics"}),
              StartsWith("Get \"http://nosuchhost.invalid/metrics\": dial tcp: lookup "
                         "nosuchhost.invalid"));
  EXPECT_THAT(ErrorOf({.url = "ftp://127.0.0.1/"}),
              HasSubstr("unsupported protocol scheme \"ftp\""));
}

TEST_F(HttpClientTest, CutsTargetThatHangs) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.WaitForClose(10'000);
  });
  EXPECT_EQ(ErrorOf({.url = server.Url(), .timeout_ms = 200}),
            "Get \"" + server.Url() + "\": context deadline exceeded");
}

TEST_F(HttpClientTest, CutsTargetThatDrips) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (c.Write("x") && c.WaitForClose(20)) {
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ErrorOf({.url = server.Url(), .timeout_ms = 300}), "context deadline exceeded");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(HttpClientTest, CutsHeadersThatDrip) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nX: ");
    while (c.Write("x") && c.WaitForClose(20)) {
    }
  });
  EXPECT_THAT(ErrorOf({.url = server.Url(), .timeout_ms = 300}),
              HasSubstr("context deadline exceeded"));
}

TEST_F(HttpClientTest, StopsReadingBodyBeyondLimit) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (c.Write(block)) {
    }
  });
  const Result<HttpResponse> got = Send({.url = server.Url(), .max_body_bytes = 1 << 20});
  EXPECT_EQ(got.status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(got.status().message(), "body size limit exceeded");
}

TEST_F(HttpClientTest, StopsReadingHeadersBeyondLimit) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\n");
    const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
    while (c.Write(line)) {
    }
  });
  EXPECT_FALSE(Send({.url = server.Url(), .timeout_ms = 20'000}).ok());
}

TEST_F(HttpClientTest, ReportsBodiesThatEndEarly) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  EXPECT_EQ(ErrorOf({.url = server.Url()}), "unexpected EOF");
}

TEST_F(HttpClientTest, ReportsServersThatAnswerNothing) {
  SocketServer server([](SocketServer::Connection& c) { c.ReadRequest(); });
  EXPECT_EQ(ErrorOf({.url = server.Url()}), "Get \"" + server.Url() + "\": EOF");
}

TEST_F(HttpClientTest, SurvivesBinaryGarbage) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write(std::string("\x00\xff\x01\x80garbage\r\n\r\n\x00", 16));
  });
  EXPECT_THAT(ErrorOf({.url = server.Url()}), StartsWith("Get \""));
}

TEST_F(HttpClientTest, SurvivesResetConnections) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    c.ResetOnClose();
  });
  EXPECT_FALSE(Send({.url = server.Url()}).ok());
}

TEST_F(HttpClientTest, AcceptsHalfClosedConnections) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadRequest();
    c.Write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na 1\n");
    c.CloseWrite();
    c.WaitForClose(10'000);
  });
  const Result<HttpResponse> got = Send({.url = server.Url()});
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got->body, "a 1\n");
}

TEST_F(HttpClientTest, SendsCredentialsFromFilesReadEachTime) {
  FixedServer server(HttpReply("200 OK", ""));
  const std::string path = ::testing::TempDir() + "/deucalion_token";
  std::ofstream(path) << "first\n";
  HttpClientConfig config;
  config.authorization = Authorization{.credentials_file = path};
  config.http_headers["X-Extra"] = {.values = {"v"}, .secrets = {"s"}};
  auto client = engine_->NewClient(config);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(Send(client->get(), {.url = server->Url()}).ok());
  EXPECT_THAT(server.last(), HasSubstr("Authorization: Bearer first\r\n"));
  EXPECT_THAT(server.last(), HasSubstr("X-Extra: v\r\n"));
  EXPECT_THAT(server.last(), HasSubstr("X-Extra: s\r\n"));
  std::ofstream(path) << "second";
  ASSERT_TRUE(Send(client->get(), {.url = server->Url()}).ok());
  EXPECT_THAT(server.last(), HasSubstr("Authorization: Bearer second\r\n"));
  ::unlink(path.c_str());
  EXPECT_THAT(Send(client->get(), {.url = server->Url()}).status().message(),
              HasSubstr("unable to read authorization credentials: unable to read file " + path));
}

TEST_F(HttpClientTest, KeepsCredentialsFromOtherHosts) {
  FixedServer other(HttpReply("200 OK", "there"));
  FixedServer first(HttpReply(
      "302 Found", "", "Location: http://localhost:" + std::to_string(other->port()) + "/x\r\n"));
  HttpClientConfig config;
  config.basic_auth = BasicAuth{.username = "u", .password = "p"};
  const Result<HttpResponse> got = Send({.url = first->Url()}, config);
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got->body, "there");
  EXPECT_THAT(first.last(), HasSubstr("Authorization: Basic dTpw\r\n"));
  EXPECT_THAT(other.last(), Not(HasSubstr("Authorization")));
}

TEST_F(HttpClientTest, FollowsRedirectsOnlyIfAsked) {
  FixedServer server(HttpReply("302 Found", "", "Location: /loop\r\n"));
  EXPECT_EQ(ErrorOf({.url = server->Url()}),
            "Get \"" + server->Url() + "\": stopped after 10 redirects");
  HttpClientConfig config;
  config.follow_redirects = false;
  const Result<HttpResponse> got = Send({.url = server->Url()}, config);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->status_line, "302 Found");
}

TEST_F(HttpClientTest, FetchesOAuth2TokenOnce) {
  std::atomic<int> tokens{0};
  SocketServer token_server([&tokens](SocketServer::Connection& c) {
    const std::string request = c.ReadRequest();
    if (request.empty()) return;
    ++tokens;
    const bool basic = request.find("Authorization: Basic aWQ6c2VjcmV0") != std::string::npos;
    c.Write(basic ? HttpReply("200 OK", R"({"access_token":"tok","expires_in":3600})")
                  : HttpReply("401 Unauthorized", "no"));
  });
  FixedServer server(HttpReply("200 OK", ""));
  HttpClientConfig config;
  config.oauth2 =
      OAuth2{.client_id = "id", .client_secret = "secret", .token_url = token_server.Url("/token")};
  ASSERT_TRUE(config.Validate().ok());
  auto client = engine_->NewClient(config);
  ASSERT_TRUE(client.ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(client->get(), {.url = server->Url()}).ok());
  EXPECT_THAT(server.last(), HasSubstr("Authorization: Bearer tok\r\n"));
  EXPECT_EQ(tokens, 1);
}

TEST_F(HttpClientTest, PostsBodies) {
  std::string seen;
  SocketServer server([&seen](SocketServer::Connection& c) {
    const std::string request = c.ReadRequest();
    if (request.empty()) return;
    seen = request + c.ReadBytes(5);
    c.Write(HttpReply("204 No Content", ""));
  });
  const Result<HttpResponse> got = Send({.method = "POST",
                                         .url = server.Url("/w"),
                                         .headers = {{"Content-Type", "x/y"}},
                                         .body = std::string("a\0b\xff!", 5)});
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got->status, 204);
  EXPECT_THAT(seen, StartsWith("POST /w HTTP/1.1\r\n"));
  EXPECT_TRUE(seen.ends_with(std::string("a\0b\xff!", 5)));
}

TEST_F(HttpClientTest, ConnectsThroughUnixSockets) {
  const std::string path = ::testing::TempDir() + "/deucalion_test.sock";
  ::unlink(path.c_str());
  EXPECT_EQ(ErrorOf({.url = "http://localhost/metrics", .unix_socket = path}),
            "Get \"http://localhost/metrics\": dial unix " + path +
                ": connect: no such file or directory");
}

TEST_F(HttpClientTest, GoesThroughProxies) {
  FixedServer proxy(HttpReply("200 OK", "from proxy"));
  HttpClientConfig config;
  config.proxy.proxy_url = "http://" + proxy->address();
  const Result<HttpResponse> got = Send({.url = "http://some.host.invalid/metrics"}, config);
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_EQ(got->body, "from proxy");
  EXPECT_THAT(proxy.last(), HasSubstr("GET http://some.host.invalid/metrics HTTP/1.1"));
}

TEST_F(HttpClientTest, NamesPlainServersBehindHttps) {
  SocketServer server([](SocketServer::Connection& c) {
    c.ReadBytes(8);
    c.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  EXPECT_EQ(
      ErrorOf({.url = "https://" + server.address() + "/"}),
      "Get \"https://" + server.address() + "/\": http: server gave HTTP response to HTTPS client");
}

TEST_F(HttpClientTest, AnswersEveryRequestWhenItStops) {
  SocketServer server([](SocketServer::Connection& c) { c.WaitForClose(10'000); });
  std::promise<Result<HttpResponse>> promise;
  auto client = engine_->NewClient({});
  (*client)->Send({.url = server.Url()},
                  [&promise](Result<HttpResponse> r) { promise.set_value(std::move(r)); });
  client = Status(StatusCode::kCanceled, "gone");
  engine_.reset();
  EXPECT_EQ(promise.get_future().get().status().message(), "context canceled");
}

TEST(GzipTest, DecodesWithinLimit) {
  const std::string text(1 << 20, 'a');
  const std::string packed = Gzip(text);
  EXPECT_EQ(*DecodeGzip(packed, UINT64_MAX), text);
  EXPECT_EQ(*DecodeGzip(packed + Gzip("b"), UINT64_MAX), text + "b");
  EXPECT_EQ(DecodeGzip(packed, 1000).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeGzip(packed.substr(0, packed.size() - 9), UINT64_MAX).status().message(),
            "unexpected EOF");
  EXPECT_EQ(DecodeGzip("not gzip at all", UINT64_MAX).status().message(), "gzip: invalid header");
  EXPECT_EQ(DecodeGzip("", UINT64_MAX).status().message(), "unexpected EOF");
}

TEST(HttpTextTest, EscapesQueriesAndNamesStatuses) {
  EXPECT_EQ(QueryEscape("a b&c=d/é~"), "a+b%26c%3Dd%2F%C3%A9~");
  EXPECT_EQ(HttpStatusLine(503), "503 Service Unavailable");
  EXPECT_EQ(HttpStatusLine(799), "799");
}

}  // namespace
}  // namespace deucalion::scrape

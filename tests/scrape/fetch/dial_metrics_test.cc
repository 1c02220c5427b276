#include "scrape/fetch/dial_metrics.h"

#include <gtest/gtest.h>

#include <future>

#include "scrape/fetch/http_client.h"
#include "tests/support/socket_server.h"

namespace deucalion::scrape {
namespace {

class DialMetricsTest : public ::testing::Test {
 protected:
  Result<HttpResponse> Get(const std::string& url) {
    auto client = engine_->NewClient({});
    EXPECT_TRUE(client.ok());
    std::promise<Result<HttpResponse>> promise;
    (*client)->Send({.url = url, .timeout_ms = 500, .dialer = dials_.Of("job")},
                    [&promise](Result<HttpResponse> r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
  }
  // attempted, established, closed, failed.
  std::string Counts(const std::string& reason = "unknown") {
    const Dialer& d = *dials_.Of("job");
    double failed = 0;
    for (const Counter* counter : d.failed) failed += counter->value();
    const auto number = [](double v) { return std::to_string(static_cast<int>(v)); };
    const std::string line =
        "net_conntrack_dialer_conn_failed_total{dialer_name=\"job\",reason=\"" + reason + "\"} " +
        number(failed) + "\n";
    EXPECT_NE(registry_.TextExposition().find(line), std::string::npos)
        << line << registry_.TextExposition();
    return number(d.attempted->value()) + " " + number(d.established->value()) + " " +
           number(d.closed->value()) + " " + number(failed);
  }

  MetricRegistry registry_;
  DialMetrics dials_{&registry_};
  std::unique_ptr<HttpEngine> engine_ = NewHttpEngine();
};

TEST_F(DialMetricsTest, AKeptConnectionCountsOnceAndIsClosedWithTheEngine) {
  SocketServer server([](SocketServer::Connection& c) {
    for (std::string r = c.ReadRequest(); !r.empty(); r = c.ReadRequest()) {
      c.Write(HttpReply("200 OK", "x"));
    }
  });
  EXPECT_EQ(Counts(), "0 0 0 0");
  for (int i = 0; i < 3; i++) ASSERT_TRUE(Get(server.Url()).ok());
  EXPECT_EQ(Counts(), "1 1 0 0");
  engine_ = nullptr;
  EXPECT_EQ(Counts(), "1 1 1 0");
}

TEST_F(DialMetricsTest, ARefusedConnectionIsAttemptedAndFailed) {
  std::string url;
  {
    SocketServer server([](SocketServer::Connection&) {});
    url = server.Url();
  }
  ASSERT_FALSE(Get(url).ok());
  engine_ = nullptr;
  EXPECT_EQ(Counts("refused"), "1 0 0 1");
}

TEST_F(DialMetricsTest, ANameThatDoesNotResolveIsAFailedDial) {
  ASSERT_FALSE(Get("http://no-such-host.invalid/").ok());
  EXPECT_EQ(Counts("resolution"), "1 0 0 1");
}

TEST_F(DialMetricsTest, AnAnswerThatDoesNotComeIsNoFailedDial) {
  SocketServer server([](SocketServer::Connection& c) { (void)c.ReadRequest(); });
  ASSERT_FALSE(Get(server.Url()).ok());
  engine_ = nullptr;
  EXPECT_EQ(Counts(), "1 1 1 0");
}

}  // namespace
}  // namespace deucalion::scrape

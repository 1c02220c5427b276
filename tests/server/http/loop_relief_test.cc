// Requests that the event loop runs itself, and what happens to those that take long.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "server/http/router.h"
#include "server/http/server.h"
#include "tests/server/http/raw_client.h"

namespace deucalion::http {
namespace {

using std::chrono::milliseconds;

class LoopReliefTest : public testing::Test {
 protected:
  LoopReliefTest() {
    options_.listen_addresses = {"127.0.0.1:0"};
    options_.query.threads = 2;
    router_.Get("/where",
                [this](Request&, Response* r) {
                  loop_ = std::this_thread::get_id();
                  r->SetBody("where", "text/plain");
                },
                {.pool = PoolClass::kInline});
    // Cheap, until it is told to wait.
    const RouteOptions as_before{.pool = PoolClass::kQuery, .cost_key = [](const Request& q) {
                                   return q.query.empty() ? 0 : uint64_t{7};
                                 }};
    router_.Get(
        "/query", [this](Request& q, Response* r) { Query(q, r); }, as_before);
  }

  void Query(const Request& q, Response* r) {
    ran_on_ = std::this_thread::get_id();
    if (wait_) {
      waiting_++;
      waiting_.notify_all();
      while (wait_ && !q.cancel.canceled()) std::this_thread::sleep_for(milliseconds(1));
      if (q.cancel.canceled()) canceled_++;
      canceled_.notify_all();
    }
    r->SetBody("done", "text/plain");
  }

  void Start() {
    server_ = std::make_unique<Server>(options_, &router_, &metrics_, Logger::Null());
    ASSERT_TRUE(server_->Start().ok());
  }
  uint16_t port() const { return server_->ports()[0]; }
  std::string Ask(std::string_view path, std::string_view until) {
    RawClient client(port());
    client.Send(GetRequest(path));
    return client.ReadUntil(until);
  }
  // Asks until the loop has answered a query itself: a busy machine may make it look slow.
  bool LoopTakesQueries() {
    for (int i = 0; i < 2000; i++) {
      if (Ask("/query?a", "done").empty() || Ask("/where", "where").empty()) return false;
      if (ran_on_.load() == loop_.load()) return true;
    }
    return false;
  }

  // A client whose query is on the loop now, and waits. Null when no query would run there.
  std::unique_ptr<RawClient> SlowQueryOnTheLoop(const std::string& more = "") {
    for (int i = 0; i < 100; i++) {
      if (!LoopTakesQueries()) return nullptr;
      const int before = waiting_;
      wait_ = true;
      auto client = std::make_unique<RawClient>(port());
      client->Send(GetRequest("/query?a") + more);
      waiting_.wait(before);
      if (ran_on_.load() == loop_.load()) return client;
      // The pool had it: the machine was busy, and the relief not there yet.
      wait_ = false;
      client->ReadUntil(more.empty() ? "done" : "where", more.empty() ? 1 : 2);
    }
    return nullptr;
  }

  ServerOptions options_;
  Router router_;
  MetricRegistry metrics_;
  std::atomic<std::thread::id> loop_, ran_on_;
  std::atomic<bool> wait_{false};
  std::atomic<int> waiting_{0}, canceled_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(LoopReliefTest, WhatWasCheapIsRunByTheLoop) {
  Start();
  EXPECT_TRUE(LoopTakesQueries());
}

TEST_F(LoopReliefTest, WhatHasNoKeyNeverIs) {
  Start();
  for (int i = 0; i < 50; i++) {
    Ask("/query", "done");
    Ask("/where", "where");
    ASSERT_NE(ran_on_.load(), loop_.load());
  }
}

TEST_F(LoopReliefTest, ARequestThatTakesLongLosesTheLoopAndIsAnsweredAllTheSame) {
  Start();
  for (int round = 0; round < 3; round++) {
    const auto slow = SlowQueryOnTheLoop();
    ASSERT_NE(slow, nullptr);
    const std::thread::id loop = loop_;
    const int before = waiting_;
    // The loop goes on on the other thread.
    EXPECT_TRUE(Ask("/where", "where").ends_with("where"));
    EXPECT_NE(loop_.load(), loop);
    // While there is no relief, the pool has the queries.
    RawClient second(port());
    second.Send(GetRequest("/query?a"));
    waiting_.wait(before);
    EXPECT_NE(ran_on_.load(), loop_.load());
    EXPECT_NE(ran_on_.load(), loop);
    wait_ = false;
    EXPECT_TRUE(slow->ReadUntil("done").ends_with("done"));
    EXPECT_TRUE(second.ReadUntil("done").ends_with("done"));
    // The connection lives on.
    slow->Forget();
    slow->Send(GetRequest("/where"));
    EXPECT_TRUE(slow->ReadUntil("where").ends_with("where"));
  }
}

TEST_F(LoopReliefTest, AClientThatLeavesCancelsIt) {
  Start();
  auto slow = SlowQueryOnTheLoop();
  ASSERT_NE(slow, nullptr);
  slow.reset();
  canceled_.wait(0);
  EXPECT_EQ(canceled_, 1);
  EXPECT_TRUE(Ask("/where", "where").ends_with("where"));
}

TEST_F(LoopReliefTest, PipelinedRequestsBehindItAreAnsweredInOrder) {
  Start();
  const auto client =
      SlowQueryOnTheLoop(GetRequest("/where") + GetRequest("/query?a") + GetRequest("/where"));
  ASSERT_NE(client, nullptr);
  EXPECT_TRUE(Ask("/where", "where").ends_with("where"));
  wait_ = false;
  const std::string answers = client->ReadUntil("where", 2);
  const size_t first = answers.find("done"), second = answers.find("where");
  ASSERT_NE(second, std::string::npos) << answers;
  EXPECT_LT(first, second);
  EXPECT_LT(second, answers.find("done", second));
  EXPECT_TRUE(answers.ends_with("where"));
}

TEST_F(LoopReliefTest, ManyAtOnceAreAllAnswered) {
  Start();
  ASSERT_TRUE(LoopTakesQueries());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; i++) clients.push_back(std::make_unique<RawClient>(port()));
  for (int round = 0; round < 20; round++) {
    for (auto& client : clients) {
      client->Forget();
      client->Send(GetRequest("/query?a") + GetRequest("/query?a"));
    }
    for (auto& client : clients) {
      const std::string answers = client->ReadUntil("done", 2);
      ASSERT_TRUE(answers.ends_with("done")) << answers;
    }
  }
}

TEST_F(LoopReliefTest, WhatIsReadyBehindItGoesToThePool) {
  Start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 10; i++) clients.push_back(std::make_unique<RawClient>(port()));
  for (int round = 0; round < 5; round++) {
    ASSERT_TRUE(LoopTakesQueries());
    wait_ = true;
    for (auto& client : clients) {
      client->Forget();
      client->Send(GetRequest("/query?a"));
    }
    // Whoever is the loop now is in none of them.
    EXPECT_TRUE(Ask("/where", "where").ends_with("where"));
    wait_ = false;
    for (auto& client : clients) EXPECT_TRUE(client->ReadUntil("done").ends_with("done"));
  }
}

TEST_F(LoopReliefTest, StopWaitsForItAndCancelsItAtTheDeadline) {
  Start();
  const auto slow = SlowQueryOnTheLoop();
  ASSERT_NE(slow, nullptr);
  server_->Stop(milliseconds(50));
  EXPECT_EQ(canceled_, 1);
}

}  // namespace
}  // namespace deucalion::http

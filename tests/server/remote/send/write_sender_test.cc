// The sender on a real database, threads and all, with a receiver in this process.
#include "server/remote/send/write_sender.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/server/remote/send/fake_receiver.h"
#include "tests/support/temp_dir.h"
#include "tsdb/db/db.h"

namespace deucalion::remote {
namespace {

class WriteSenderTest : public ::testing::Test {
 protected:
  WriteSenderTest() { OpenDb(); }
  ~WriteSenderTest() override { sender_ = nullptr; }

  void OpenDb() {
    tsdb::DbOptions options;
    options.clock = &db_clock_;
    options.background = false;
    options.durability = tsdb::wal::Durability::kOs;
    options.memory_catalog = memory_catalog_;
    auto db = tsdb::Db::Open(dir_.path(), options);
    ASSERT_TRUE(db.ok()) << db.status().ToString();
    db_ = std::move(*db);
  }
  // Answers on a thread of its own, as an HTTP engine would.
  class Transport final : public WriteTransport {
   public:
    explicit Transport(WriteSenderTest* test) : test_(test) {}
    void Send(std::string body, int, std::function<void(WriteReply)> done) override {
      ++test_->requests_;
      if (test_->Swallows(done)) return;
      done(test_->down_ ? Down() : test_->receiver_.Accept(body));
    }

   private:
    WriteSenderTest* const test_;
  };
  void StartSender() {
    sender_ = nullptr;
    registry_ = std::make_unique<MetricRegistry>();
    sender_ = std::make_unique<WriteSender>(WriteSenderOptions{
        .logger = Logger::Null(),
        .metrics = registry_.get(),
        .flush_deadline_ms = flush_deadline_ms_,
        .transport =
            [this](const config::RemoteWriteConfig&) -> Result<std::shared_ptr<WriteTransport>> {
          ++transports_;
          return std::shared_ptr<WriteTransport>(std::make_shared<Transport>(this));
        }});
  }
  config::RemoteWriteConfig Entry(const std::string& name = "q") {
    config::RemoteWriteConfig entry;
    entry.url = "http://user:pass@there/api/v1/write";
    entry.name = name;
    entry.queue.batch_send_deadline_ms = 5;
    entry.queue.min_backoff_ms = 1;
    entry.queue.max_backoff_ms = 5;
    entry.metadata.send = false;
    return entry;
  }
  Status Apply(std::vector<config::RemoteWriteConfig> entries, Labels external = {}) {
    return sender_->Apply(db_.get(), entries, external);
  }
  // One sample of each of ten series.
  void Append(int64_t time_ms) {
    auto appender = db_->NewAppender({});
    for (int i = 0; i < 10; ++i) {
      const Labels labels{{"__name__", "m"}, {"i", std::to_string(i)}};
      const auto ref = appender->FindOrCreate(labels, labels.Hash(), 0);
      ASSERT_TRUE(ref.ok());
      ASSERT_TRUE(appender->Append(*ref, time_ms, static_cast<double>(i), 0).ok());
    }
    ASSERT_TRUE(appender->Commit().ok());
    written_ += 10;
  }
  void WaitFor(size_t samples) {
    for (int i = 0; i < 2'000 && receiver_.samples() < samples; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_EQ(receiver_.samples(), samples);
  }

  // A black hole, until it times out.
  bool Swallows(const std::function<void(WriteReply)>& done) {
    const std::lock_guard lock(swallowed_mu_);
    if (silent_) swallowed_.push_back(done);
    return silent_;
  }
  void EndSilence() {
    const std::lock_guard lock(swallowed_mu_);
    silent_ = false;
    for (const auto& done : swallowed_) done(Down());
    swallowed_.clear();
  }

  template <typename Condition>
  static bool Becomes(Condition condition) {
    for (int i = 0; i < 2'000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
  }

  TempDir dir_;
  bool memory_catalog_ = false;
  ManualClock db_clock_{Clock::Real()->NowMs()};
  const int64_t begin_ms_ = db_clock_.NowMs() - 600'000;
  std::unique_ptr<tsdb::Db> db_;
  FakeReceiver receiver_;
  std::atomic<bool> down_{false};
  std::mutex swallowed_mu_;
  bool silent_ = false;
  std::vector<std::function<void(WriteReply)>> swallowed_;
  std::atomic<int> requests_{0};
  int transports_ = 0;
  int64_t flush_deadline_ms_ = 5'000;
  size_t written_ = 0;
  std::unique_ptr<MetricRegistry> registry_;
  std::unique_ptr<WriteSender> sender_;
};

TEST_F(WriteSenderTest, StartsAtThePresentAndContinuesAfterARestartWithoutSendingTwice) {
  Append(begin_ms_);
  written_ = 0;  // before there was a queue
  StartSender();
  ASSERT_TRUE(Apply({Entry()}).ok());
  for (int64_t t = 1; t <= 50; ++t) Append(begin_ms_ + t);
  WaitFor(written_);
  sender_->Stop();
  for (int64_t t = 51; t <= 60; ++t) Append(begin_ms_ + t);
  ASSERT_TRUE(db_->Close().ok());
  db_ = nullptr;
  OpenDb();
  StartSender();
  ASSERT_TRUE(Apply({Entry()}).ok());
  for (int64_t t = 61; t <= 70; ++t) Append(begin_ms_ + t);
  WaitFor(written_);
  EXPECT_EQ(receiver_.repeated(), 0);
  // What lay in the WAL is told from what was written meanwhile.
  const std::string shown = registry_->TextExposition();
  const std::string name =
      "\nprometheus_wal_watcher_samples_sent_pre_tailing_total{consumer=\"q\"} ";
  const size_t at = shown.find(name);
  ASSERT_NE(at, std::string::npos);
  EXPECT_GE(std::stoi(shown.substr(at + name.size())), 1);
}

TEST_F(WriteSenderTest, AReceiverThatWasAwayGetsEverything) {
  StartSender();
  auto entry = Entry();
  entry.queue.max_samples_per_send = 20;
  entry.queue.capacity = 50;
  entry.queue.min_shards = 3;
  ASSERT_TRUE(Apply({entry}).ok());
  down_ = true;
  for (int64_t t = 1; t <= 100; ++t) {
    Append(begin_ms_ + t);
    if (t == 50) {
      sender_->Stop();  // gives up at once: nobody is there
      StartSender();
      ASSERT_TRUE(Apply({entry}).ok());
    }
  }
  EXPECT_EQ(receiver_.samples(), 0u);
  down_ = false;
  WaitFor(written_);
}

TEST_F(WriteSenderTest, AReloadKeepsUnchangedQueuesAndRestartsChangedOnesWithoutLoss) {
  StartSender();
  ASSERT_TRUE(Apply({Entry()}).ok());
  Append(begin_ms_ + 1);
  WaitFor(written_);
  auto changed = Entry();
  changed.queue.max_samples_per_send = 3;
  down_ = true;
  Append(begin_ms_ + 2);
  ASSERT_TRUE(Apply({Entry()}).ok());
  ASSERT_TRUE(Apply({changed}).ok());
  EXPECT_EQ(transports_, 3);
  Append(begin_ms_ + 3);
  down_ = false;
  WaitFor(written_);
  EXPECT_EQ(receiver_.repeated(), 0);
  // External labels are part of what a queue sends.
  ASSERT_TRUE(Apply({changed}, Labels{{"region", "eu"}}).ok());
  Append(begin_ms_ + 4);
  WaitFor(written_);
  EXPECT_EQ(receiver_.series().size(), 20u);
}

TEST_F(WriteSenderTest, RemovedEntriesAreForgottenAndTwinsRefused) {
  StartSender();
  ASSERT_TRUE(Apply({Entry("a"), Entry("")}).ok());
  EXPECT_EQ(db_->wal_feed()->CursorNames(),
            (std::vector<std::string>{"name:a", "url:http://user:xxxxx@there/api/v1/write"}));
  const Status twins = Apply({Entry("a"), Entry(""), Entry("")});
  EXPECT_EQ(twins.message(),
            "duplicate remote write configs are not allowed, found duplicate for URL: "
            "http://user:xxxxx@there/api/v1/write");
  ASSERT_TRUE(Apply({Entry("a")}).ok());
  EXPECT_TRUE(Becomes(
      [&] { return db_->wal_feed()->CursorNames() == std::vector<std::string>{"name:a"}; }));
  EXPECT_NE(registry_->TextExposition().find(
                "prometheus_remote_storage_shards{remote_name=\"a\",url=\"http://user:xxxxx@there"),
            std::string::npos);
  ASSERT_TRUE(Apply({}).ok());
  EXPECT_TRUE(Becomes([&] { return db_->wal_feed()->CursorNames().empty(); }));
  EXPECT_EQ(registry_->TextExposition().find("remote_name"), std::string::npos);
}

TEST_F(WriteSenderTest, AReloadDoesNotWaitForAReceiverThatSaysNothing) {
  flush_deadline_ms_ = 600'000;
  StartSender();
  ASSERT_TRUE(Apply({Entry("a"), Entry("b")}).ok());
  {
    const std::lock_guard lock(swallowed_mu_);
    silent_ = true;
  }
  Append(begin_ms_ + 1);
  ASSERT_TRUE(Becomes([&] { return requests_ >= 2; }));
  const auto begin = std::chrono::steady_clock::now();
  // One changes, one goes.
  auto changed = Entry("a");
  changed.queue.max_samples_per_send = 3;
  ASSERT_TRUE(Apply({changed}).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  // The one that went still tries, and keeps its place meanwhile.
  EXPECT_EQ(db_->wal_feed()->CursorNames(), (std::vector<std::string>{"name:a", "name:b"}));
  // Back again before it has given up: a new queue, which starts at the present.
  ASSERT_TRUE(Apply({changed, Entry("b")}).ok());
  EndSilence();
  Append(begin_ms_ + 2);
  WaitFor(written_);
  ASSERT_TRUE(Apply({}).ok());
  EXPECT_TRUE(Becomes([&] { return db_->wal_feed()->CursorNames().empty(); }));
}

TEST_F(WriteSenderTest, WhatTheWalNoLongerHoldsIsReadFromStorage) {
  StartSender();
  ASSERT_TRUE(Apply({Entry()}).ok());
  Append(begin_ms_);
  WaitFor(written_);
  sender_->Stop();
  // Away for three hours: the WAL is kept for two.
  for (int64_t minute = 1; minute <= 180; ++minute) {
    db_clock_.AdvanceMs(60'000);
    Append(begin_ms_ + minute * 60'000);
    if (minute % 10 == 0) {
      ASSERT_TRUE(db_->Checkpoint().ok());
    }
  }
  db_clock_.AdvanceMs(3 * 3'600'000);
  Append(begin_ms_ + 181 * 60'000);
  ASSERT_TRUE(db_->Checkpoint().ok());
  ASSERT_TRUE(db_->Checkpoint().ok());
  StartSender();
  ASSERT_TRUE(Apply({Entry()}).ok());
  Append(begin_ms_ + 182 * 60'000);
  WaitFor(written_);
  // Back on the WAL.
  Append(begin_ms_ + 183 * 60'000);
  WaitFor(written_);
}

TEST_F(WriteSenderTest, WritersAndTwoQueuesSideBySide) {
  db_ = nullptr;
  memory_catalog_ = true;  // so that this can run under tsan
  OpenDb();
  StartSender();
  auto second = Entry("second");
  second.write_relabel_configs.emplace_back();
  second.write_relabel_configs[0].target_label = "second";
  second.write_relabel_configs[0].replacement = "yes";
  ASSERT_TRUE(second.write_relabel_configs[0].Validate().ok());
  ASSERT_TRUE(Apply({Entry(), second}).ok());
  std::jthread reader([this](std::stop_token stop) {
    while (!stop.stop_requested()) (void)registry_->TextExposition();
  });
  for (int64_t t = 1; t <= 200; ++t) {
    Append(begin_ms_ + t);
    down_ = t % 20 < 5;
    if (t % 50 == 0) ASSERT_TRUE(Apply({Entry(), second}).ok());
  }
  down_ = false;
  WaitFor(2 * written_);
  reader.request_stop();
  reader.join();
  sender_->Stop();
}

}  // namespace
}  // namespace deucalion::remote

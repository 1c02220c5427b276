#include "server/remote/send/send_queue.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/server/remote/send/fake_receiver.h"

namespace deucalion::remote {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

Labels SeriesLabels(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

// One queue on a clock that stands still, and the requests it has under way.
class SendQueueTest : public ::testing::Test {
 protected:
  struct Sent {
    int channel = 0;
    std::string body;
    int attempt = 0;
  };

  void Start() {
    queue_ = nullptr;
    sent_.clear();
    if (metrics_ == nullptr) metrics_ = std::make_unique<SendMetrics>(&registry_, nullptr);
    queue_ = std::make_unique<SendQueue>(
        config_, external_,
        SendQueue::Parts{.clock = &clock_,
                         .logger = Logger::Null(),
                         .metrics = metrics_->Add("q", "u"),
                         .send =
                             [this](int channel, std::string body, int attempt) {
                               sent_.push_back({channel, std::move(body), attempt});
                             },
                         .metadata = [this] { return families_; }});
  }
  // One sample of each of the series [0, n), introduced when asked.
  FeedBatch Samples(int n, int64_t time_ms, bool introduce = false) {
    FeedBatch batch;
    for (int i = 0; i < n; ++i) {
      const auto id = static_cast<uint64_t>(i + 1);
      if (introduce) batch.series.push_back({id, SeriesLabels(i)});
      batch.samples.push_back({.id = id, .time_ms = time_ms, .value = i * 0.5});
    }
    return batch;
  }
  void Take(FeedBatch batch, const std::string& position) {
    ASSERT_TRUE(queue_->HasRoom());
    queue_->Take(&batch, position);
    queue_->Tick(kNow);
  }
  Sent PopSent() {
    EXPECT_FALSE(sent_.empty());
    if (sent_.empty()) return {};
    Sent front = std::move(sent_.front());
    sent_.erase(sent_.begin());
    return front;
  }
  void Reply(const Sent& sent, const WriteReply& reply) {
    queue_->OnReply(sent.channel, reply);
    queue_->Tick(kNow);
  }
  void Advance(int64_t ms) {
    clock_.AdvanceMs(ms);
    queue_->Tick(kNow);
  }
  double Metric(const std::string& name) {
    const std::string text = "\n" + registry_.TextExposition();
    const std::string key =
        "\nprometheus_remote_storage_" + name + "{remote_name=\"q\",url=\"u\"} ";
    const size_t at = text.find(key);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + key.size()));
  }
  double Dropped(const std::string& kind, const std::string& reason) {
    const std::string text = "\n" + registry_.TextExposition();
    const std::string key = "\nprometheus_remote_storage_" + kind +
                            "_dropped_total{remote_name=\"q\",url=\"u\",reason=\"" + reason +
                            "\"} ";
    const size_t at = text.find(key);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + key.size()));
  }

  ManualClock clock_{kNow};
  MetricRegistry registry_;
  std::unique_ptr<SendMetrics> metrics_;
  config::RemoteWriteConfig config_;
  Labels external_;
  SendQueue::FamilyMetadata families_;
  std::vector<Sent> sent_;
  std::unique_ptr<SendQueue> queue_;
};

TEST_F(SendQueueTest, SendsFullBatchesAtOnceAndTheRestAtTheDeadline) {
  config_.queue.max_samples_per_send = 10;
  Start();
  Take(Samples(15, kNow, true), "p1");
  ASSERT_EQ(sent_.size(), 1u);
  const Sent first = PopSent();
  EXPECT_EQ(DecodeBody(first.body).samples.size(), 10u);
  Reply(first, Taken());
  EXPECT_TRUE(sent_.empty());
  EXPECT_FALSE(queue_->TakePosition().has_value());
  Advance(4'999);
  EXPECT_TRUE(sent_.empty());
  Advance(1);
  const Sent rest = PopSent();
  const WriteRequest request = DecodeBody(rest.body);
  ASSERT_EQ(request.samples.size(), 5u);
  EXPECT_EQ(Labels(request.LabelsOf(request.series[0])), SeriesLabels(10));
  EXPECT_EQ(request.samples[0].time_ms, kNow);
  EXPECT_EQ(request.samples[0].value, 5.0);
  Reply(rest, Taken());
  EXPECT_EQ(queue_->TakePosition(), "p1");
  EXPECT_FALSE(queue_->TakePosition().has_value());
  EXPECT_EQ(Metric("samples_total"), 15);
  EXPECT_EQ(Metric("samples_pending"), 0);
  EXPECT_EQ(Metric("bytes_total"), first.body.size() + rest.body.size());
  EXPECT_EQ(Metric("queue_highest_sent_timestamp_seconds"), kNow / 1000);
}

TEST_F(SendQueueTest, RetriesTheSameValuesWithDoublingBackoffUpToTheMaximum) {
  config_.queue.max_samples_per_send = 3;
  config_.queue.min_backoff_ms = 30;
  config_.queue.max_backoff_ms = 100;
  Start();
  Take(Samples(3, kNow, true), "p1");
  Sent sent = PopSent();
  const std::string body = sent.body;
  EXPECT_EQ(sent.attempt, 0);
  int attempt = 0;
  for (const int64_t backoff_ms : {30, 60, 100, 100}) {
    Reply(sent, Down());
    Advance(backoff_ms - 1);
    EXPECT_TRUE(sent_.empty());
    Advance(1);
    ASSERT_EQ(sent_.size(), 1u) << backoff_ms;
    sent = PopSent();
    EXPECT_EQ(sent.body, body);
    EXPECT_EQ(sent.attempt, ++attempt);
  }
  EXPECT_EQ(Metric("samples_retried_total"), 12);
  Reply(sent, Taken());
  EXPECT_EQ(queue_->TakePosition(), "p1");
  EXPECT_EQ(Metric("samples_failed_total"), 0);
}

TEST_F(SendQueueTest, RetryAfterComesBeforeTheBackoff) {
  config_.queue.max_samples_per_send = 1;
  Start();
  Take(Samples(1, kNow, true), "p1");
  Reply(PopSent(), Down(7'000));
  Advance(6'999);
  EXPECT_TRUE(sent_.empty());
  Advance(1);
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(SendQueueTest, WhatIsRefusedIsDroppedAndCounted) {
  config_.queue.max_samples_per_send = 4;
  Start();
  Take(Samples(4, kNow, true), "p1");
  Reply(PopSent(), Refused());
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(queue_->TakePosition(), "p1");
  EXPECT_EQ(Metric("samples_failed_total"), 4);
  EXPECT_EQ(Metric("samples_pending"), 0);
  EXPECT_EQ(Metric("queue_highest_sent_timestamp_seconds"), 0);
}

TEST_F(SendQueueTest, APositionWaitsForEveryShard) {
  config_.queue.min_shards = 8;
  config_.queue.max_samples_per_send = 1;
  Start();
  Take(Samples(20, kNow, true), "p1");
  std::vector<Sent> held = std::exchange(sent_, {});
  ASSERT_GE(held.size(), 2u);
  // All but one shard go on to their end.
  for (size_t i = 1; i < held.size(); ++i) Reply(held[i], Taken());
  while (!sent_.empty()) Reply(PopSent(), Taken());
  Take(Samples(1, kNow + 1), "p2");
  EXPECT_FALSE(queue_->TakePosition().has_value());
  Reply(held[0], Taken());
  while (!sent_.empty()) Reply(PopSent(), Taken());
  EXPECT_EQ(queue_->TakePosition(), "p2");
}

TEST_F(SendQueueTest, AFullShardStopsTheReadingUntilThereIsRoom) {
  config_.queue.max_samples_per_send = 5;
  config_.queue.capacity = 10;
  Start();
  Take(Samples(12, kNow, true), "p1");
  EXPECT_FALSE(queue_->HasRoom());
  EXPECT_GE(Metric("enqueue_retries_total"), 1);
  Reply(PopSent(), Taken());
  EXPECT_TRUE(queue_->HasRoom());
  EXPECT_EQ(queue_->pending_values(), 7);
}

TEST_F(SendQueueTest, ExternalLabelsComeBeforeRelabellingAndDroppedSeriesAreCounted) {
  external_ = Labels{{"i", "never"}, {"region", "eu"}};
  scrape::RelabelConfig drop;
  drop.source_labels = {"region", "i"};
  drop.regex = "eu;[01]";
  drop.action = scrape::RelabelAction::kDrop;
  ASSERT_TRUE(drop.Validate().ok());
  config_.write_relabel_configs = {drop};
  config_.queue.max_samples_per_send = 1;
  Start();
  Take(Samples(3, kNow, true), "p1");
  const WriteRequest request = DecodeBody(PopSent().body);
  EXPECT_EQ(Labels(request.LabelsOf(request.series[0])),
            (Labels{{"__name__", "m"}, {"i", "2"}, {"region", "eu"}}));
  EXPECT_EQ(Dropped("samples", "dropped_series"), 2);
  FeedBatch unknown;
  unknown.samples.push_back({.id = 99, .time_ms = kNow});
  unknown.unknown = 2;
  Take(std::move(unknown), "p2");
  EXPECT_EQ(Dropped("samples", "unintentionally_dropped_series"), 3);
}

TEST_F(SendQueueTest, SampleAgeLimitHoldsAtReadingAndBeforeEachRetry) {
  config_.queue.max_samples_per_send = 2;
  config_.queue.sample_age_limit_ms = 10'000;
  Start();
  FeedBatch batch = Samples(3, kNow - 9'000, true);
  batch.samples[0].time_ms = kNow - 10'001;
  batch.samples[2].time_ms = kNow;
  Take(std::move(batch), "p1");
  EXPECT_EQ(Dropped("samples", "too_old"), 1);
  Reply(PopSent(), Down(2'000));
  Advance(2'000);
  const Sent again = PopSent();
  EXPECT_EQ(DecodeBody(again.body).samples.size(), 1u);
  EXPECT_EQ(Dropped("samples", "too_old"), 2);
  Reply(again, Down(20'000));
  Advance(20'000);
  EXPECT_TRUE(sent_.empty());  // nothing of it is left
  EXPECT_EQ(queue_->TakePosition(), "p1");
  EXPECT_EQ(Metric("samples_pending"), 0);
}

TEST_F(SendQueueTest, HistogramsAndExemplarsGoWhereTheConfigurationSaysSo) {
  const auto mixed = [this] {
    FeedBatch batch = Samples(1, kNow, true);
    FeedHistogram h{.id = 1, .time_ms = kNow + 1, .integer = true};
    h.histogram.count = h.histogram.sum = 1;
    h.histogram.positive_spans = {{0, 1}};
    h.histogram.positive_buckets = {1};
    batch.histograms.push_back(h);
    h.histogram.schema = kCustomBucketsSchema;
    h.histogram.custom_values = {1};
    batch.histograms.push_back(h);
    batch.exemplars.push_back(
        {.id = 1, .exemplar = {.labels = Labels{{"t", "x"}}, .value = 1, .time_ms = kNow}});
    batch.metadata.push_back({.id = 1, .metadata = {MetricKind::kCounter, "", "Help."}});
    return batch;
  };
  config_.queue.batch_send_deadline_ms = 1;
  Start();
  Take(mixed(), "p1");
  Advance(1);
  WriteRequest request = DecodeBody(PopSent().body);
  EXPECT_EQ(request.samples.size(), 1u);
  EXPECT_TRUE(request.histograms.empty());
  EXPECT_TRUE(request.exemplars.empty());

  config_.send_native_histograms = config_.send_exemplars = true;
  Start();
  Take(mixed(), "p1");
  Advance(1);
  const Sent v1 = PopSent();
  request = DecodeBody(v1.body);
  EXPECT_EQ(request.histograms.size(), 1u);
  EXPECT_EQ(request.exemplars.size(), 1u);
  EXPECT_EQ(Dropped("histograms", "nhcb_in_rw1_not_supported"), 1);
  EXPECT_EQ(Metric("histograms_pending"), 1);
  Reply(v1, Taken());
  EXPECT_EQ(Metric("histograms_pending"), 0);
  EXPECT_EQ(queue_->TakePosition(), "p1");

  config_.send_native_histograms = false;
  config_.protobuf_message = config::RemoteWriteConfig::kV2;
  Start();
  Take(mixed(), "p1");
  Advance(1);
  request = DecodeBody(PopSent().body, true);
  EXPECT_EQ(request.histograms.size(), 2u);  // always, custom buckets too
  ASSERT_FALSE(request.metadata.empty());
  EXPECT_EQ(request.metadata[0].help, "Help.");
}

TEST_F(SendQueueTest, WhatA20ReceiverSaysItHasWrittenCounts) {
  config_.protobuf_message = config::RemoteWriteConfig::kV2;
  config_.queue.max_samples_per_send = 4;
  Start();
  Take(Samples(4, kNow, true), "p1");
  WriteReply partial = Refused();
  partial.written = {.present = true, .samples = 3};
  Reply(PopSent(), partial);
  EXPECT_EQ(Metric("samples_failed_total"), 1);
  Take(Samples(4, kNow + 1), "p2");
  WriteReply all = Taken();
  all.written = {.present = true, .samples = 4};
  Reply(PopSent(), all);
  EXPECT_EQ(Metric("samples_failed_total"), 1);
  // A 1.0 receiver that takes anything.
  Take(Samples(4, kNow + 2), "p3");
  Reply(PopSent(), Taken());
  EXPECT_EQ(Metric("samples_failed_total"), 5);
  EXPECT_EQ(queue_->TakePosition(), "p3");
}

TEST_F(SendQueueTest, MetadataOfFamiliesGoesOutEveryIntervalInPieces) {
  families_ = {{"a", {MetricKind::kCounter, "", "A."}},
               {"b", {MetricKind::kGauge, "", "B."}},
               {"c", {MetricKind::kGauge, "", "C."}}};
  config_.metadata.max_samples_per_send = 2;
  Start();
  queue_->Tick(kNow);
  EXPECT_TRUE(sent_.empty());
  Advance(60'000);
  Sent sent = PopSent();
  EXPECT_EQ(sent.channel, SendQueue::kMetadataChannel);
  Reply(sent, Down());
  Advance(30);
  sent = PopSent();
  EXPECT_EQ(sent.attempt, 1);
  Reply(sent, Taken());
  Reply(PopSent(), Refused());
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(Metric("metadata_total"), 5);
  EXPECT_EQ(Metric("metadata_retried_total"), 2);
  EXPECT_EQ(Metric("metadata_failed_total"), 1);
  Advance(59'970);
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(SendQueueTest, DrainingSendsWhatItCanAndKeepsThePlaceOfWhatItCannot) {
  Start();
  Take(Samples(3, kNow, true), "p1");
  EXPECT_TRUE(sent_.empty());
  queue_->Drain();
  queue_->Tick(kNow);
  Reply(PopSent(), Taken());
  EXPECT_TRUE(queue_->drained());
  EXPECT_EQ(queue_->TakePosition(), "p1");

  Start();
  Take(Samples(3, kNow, true), "p1");
  queue_->Drain();
  queue_->Tick(kNow);
  EXPECT_FALSE(queue_->drained());
  Reply(PopSent(), Down());
  EXPECT_TRUE(queue_->drained());
  EXPECT_FALSE(queue_->TakePosition().has_value());
  EXPECT_EQ(queue_->pending_values(), 3);
}

TEST_F(SendQueueTest, MoreShardsComeWhenSendingIsSlowAndTheOrderStays) {
  config_.queue.max_samples_per_send = 10;
  config_.queue.max_shards = 4;
  Start();
  FakeReceiver receiver;
  int64_t t = kNow;
  Take(Samples(50, t++, true), "p");
  size_t total = 50;
  // Each request takes half a second of the only shard; ten times what it can send comes in.
  for (int step = 0; step < 200; ++step) {
    clock_.AdvanceMs(500);
    for (const Sent& sent : std::exchange(sent_, {})) {
      ASSERT_NE(sent.channel, SendQueue::kMetadataChannel);
      queue_->OnReply(sent.channel, receiver.Accept(sent.body));
    }
    queue_->Tick(t + 100'000);
    if (queue_->HasRoom()) {
      Take(Samples(50, t++), "p" + std::to_string(step));
      total += 50;
    }
  }
  EXPECT_EQ(queue_->shards(), 4);
  EXPECT_EQ(Metric("shards"), 4);
  queue_->Drain();
  queue_->Tick(kNow);
  while (!sent_.empty()) {
    for (const Sent& sent : std::exchange(sent_, {})) {
      queue_->OnReply(sent.channel, receiver.Accept(sent.body));
    }
    queue_->Tick(kNow);
  }
  EXPECT_EQ(receiver.samples(), total);  // nothing was out of order
  EXPECT_EQ(Metric("samples_failed_total"), 0);
}

TEST_F(SendQueueTest, ADoubtfulBatchLosesOnlyWhatTheReceiverHasAlready) {
  config_.queue.max_samples_per_send = 100;
  config_.queue.batch_send_deadline_ms = 1;
  Start();
  FakeReceiver receiver;
  FeedBatch batch = Samples(10, kNow, true);
  for (int64_t t = 1; t < 10; ++t) {
    for (const FeedSample& s : Samples(10, kNow + t).samples) batch.samples.push_back(s);
  }
  const FeedBatch copy = batch;
  Take(std::move(batch), "p1");
  // In its earlier life the queue had sent half of that.
  {
    FeedBatch half = copy;
    half.samples.resize(55);
    Start();
    Take(std::move(half), "p0");
    Advance(1);
    EXPECT_EQ(receiver.Accept(PopSent().body).kind, WriteReply::Kind::kTaken);
  }
  for (const bool doubtful : {false, true}) {
    Start();
    FeedBatch again = copy;
    again.doubtful = doubtful;
    Take(std::move(again), "p1");
    while (!sent_.empty()) {
      const Sent sent = PopSent();
      Reply(sent, receiver.Accept(sent.body));
    }
    EXPECT_EQ(queue_->TakePosition(), "p1");
    EXPECT_EQ(receiver.samples(), doubtful ? 100u : 55u);
  }
}

// Kills the queue at random moments, with a receiver that is away now and then: whatever happens,
// the receiver ends up with every sample.
TEST_F(SendQueueTest, NoSampleIsLostHoweverOftenItDies) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    config_.queue.min_shards = 1 + static_cast<int>(seed % 4);
    config_.queue.max_samples_per_send = 7;
    config_.queue.capacity = 20;
    FakeReceiver receiver;
    constexpr size_t kBatches = 40;
    constexpr int kSeries = 12;
    size_t saved = 0;    // everything before is not read again
    size_t written = 0;  // read in an earlier life
    int deaths = 0;
    while (saved < kBatches) {
      Start();
      size_t next = saved;
      const bool last_life = deaths > 30;
      for (int step = 0; (step < 60 || last_life) && saved < kBatches; ++step) {
        if (queue_->HasRoom() && next < kBatches) {
          FeedBatch batch = Samples(kSeries, kNow + static_cast<int64_t>(next), true);
          batch.doubtful = next < written;
          queue_->Take(&batch, std::to_string(++next));
          written = std::max(written, next);
        }
        clock_.AdvanceMs(1'000);
        queue_->Tick(kNow);
        for (const Sent& sent : std::exchange(sent_, {})) {
          if (sent.channel == SendQueue::kMetadataChannel) continue;
          const uint32_t fate = random() % 8;
          // Sometimes the reply is lost, sometimes the request.
          if (fate == 0) {
            queue_->OnReply(sent.channel, Down());
          } else if (fate == 1 && !last_life) {
            receiver.Accept(sent.body);
            step = 1'000;
            break;
          } else {
            queue_->OnReply(sent.channel, receiver.Accept(sent.body));
          }
          queue_->Tick(kNow);
          if (const auto position = queue_->TakePosition()) saved = std::stoul(*position);
        }
        if (const auto position = queue_->TakePosition()) saved = std::stoul(*position);
      }
      ++deaths;
    }
    EXPECT_EQ(receiver.samples(), kBatches * kSeries);
  }
}

TEST_F(SendQueueTest, SeriesThatAreGoneAreForgottenOnceTheirValuesAreSettled) {
  config_.queue.max_samples_per_send = 2;
  Start();
  FeedBatch batch = Samples(2, kNow, true);
  batch.gone = {1, 2};
  Take(std::move(batch), "p1");
  Reply(PopSent(), Down());
  Advance(30);
  const Sent again = PopSent();
  EXPECT_EQ(DecodeBody(again.body).series.size(), 2u);  // its labels are still there
  Reply(again, Taken());
  Take(Samples(1, kNow + 1), "p2");
  EXPECT_EQ(Dropped("samples", "unintentionally_dropped_series"), 1);
}

}  // namespace
}  // namespace deucalion::remote

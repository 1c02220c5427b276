#include "tsdb/db/db_wal_feed.h"

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

using std::chrono::milliseconds;

// What a follower has seen, in the form of ReadAll; labels by id as it was told them.
class Follower {
 public:
  void Drain(WalCursor* cursor) {
    FeedBatch batch;
    for (;;) {
      const Status status = cursor->Next(&batch, milliseconds(0));
      ASSERT_TRUE(status.ok()) << status.ToString();
      if (batch.empty()) return;
      for (const FeedSeries& s : batch.series) labels_[s.id] = s.labels;
      for (const FeedSample& s : batch.samples) {
        ASSERT_TRUE(labels_.contains(s.id)) << "sample of a series never introduced";
        seen[labels_[s.id]][s.time_ms] = std::bit_cast<uint64_t>(s.value);
      }
      histograms += batch.histograms.size();
      metadata += batch.metadata.size();
    }
  }
  SampleMap seen;
  size_t histograms = 0;
  size_t metadata = 0;

 private:
  std::map<uint64_t, Labels> labels_;
};

Labels Series(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

TEST(DbWalFeedTest, FollowsFromWhereItBeganOnAndKnowsOlderSeries) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  ASSERT_TRUE(AppendOne(db.get(), Series(1), 1000, 1).ok());
  auto cursor = db->wal_feed()->OpenCursor("q");
  ASSERT_TRUE(cursor.ok());
  Follower follower;
  follower.Drain(cursor->get());
  EXPECT_TRUE(follower.seen.empty());
  SampleMap want;
  for (int i = 0; i < 30; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Series(i % 4), 2000 + i, i * 0.5).ok());
    want[Series(i % 4)][2000 + i] = std::bit_cast<uint64_t>(i * 0.5);
    if (i % 7 == 0) follower.Drain(cursor->get());
  }
  follower.Drain(cursor->get());
  EXPECT_EQ(follower.seen, want);
}

TEST(DbWalFeedTest, ContinuesAtASavedPositionInsideASegmentAndAcrossCheckpoints) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  Follower follower;
  {
    auto cursor = db->wal_feed()->OpenCursor("q");
    for (int i = 0; i < 10; i++) ASSERT_TRUE(AppendOne(db.get(), Series(1), 1000 + i, i).ok());
    follower.Drain(cursor->get());
    ASSERT_TRUE((*cursor)->Save((*cursor)->position()).ok());
  }
  SampleMap want;
  for (int i = 10; i < 40; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Series(1), 1000 + i, i).ok());
    want[Series(1)][1000 + i] = std::bit_cast<uint64_t>(static_cast<double>(i));
    if (i % 10 == 0) {
      ASSERT_TRUE(db->Checkpoint().ok());
    }
  }
  auto cursor = db->wal_feed()->OpenCursor("q");
  Follower second;
  second.Drain(cursor->get());
  EXPECT_EQ(second.seen, want);
  EXPECT_EQ(db->wal_feed()->CursorNames(), std::vector<std::string>{"q"});
  ASSERT_TRUE(db->wal_feed()->ForgetCursor("q").ok());
  EXPECT_TRUE(db->wal_feed()->CursorNames().empty());
}

size_t KeptLabels(Db* db) {
  size_t n = 0;
  EXPECT_TRUE(db->catalog()
                  ->Scan(Keyspace::kSeries, "",
                         [&](std::string_view, std::string_view) {
                           n++;
                           return true;
                         })
                  .ok());
  return n;
}

TEST(DbWalFeedTest, ASlowCursorLearnsTheLabelsOfSeriesThatHaveLeft) {
  constexpr int64_t kHour = 3600'000;
  TempDir dir;
  auto db = OpenDb(dir.path());
  for (int i = 0; i < 5; i++) ASSERT_TRUE(AppendOne(db.get(), Series(i), kHour, i).ok());
  auto running = db->wal_feed()->OpenCursor("running");
  ASSERT_TRUE(running.ok());
  ASSERT_TRUE(db->wal_feed()->OpenCursor("restarted").ok());
  SampleMap want;
  for (int i = 0; i < 5; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Series(i), kHour + 1000, i).ok());
    want[Series(i)][kHour + 1000] = std::bit_cast<uint64_t>(static_cast<double>(i));
  }
  ASSERT_TRUE(AppendOne(db.get(), Series(9), 9 * kHour, 9).ok());
  want[Series(9)][9 * kHour] = std::bit_cast<uint64_t>(9.0);
  ASSERT_TRUE(db->MaintainHead().ok());
  ASSERT_EQ(db->head()->num_series(), 1u);
  for (int i = 0; i < 3; i++) ASSERT_TRUE(db->Checkpoint().ok());
  EXPECT_EQ(KeptLabels(db.get()), 5u);
  Follower first;
  first.Drain(running->get());
  EXPECT_EQ(first.seen, want);
  ASSERT_TRUE((*running)->Save((*running)->position()).ok());
  running->reset();

  db.reset();
  db = OpenDb(dir.path());
  auto restarted = db->wal_feed()->OpenCursor("restarted");
  ASSERT_TRUE(restarted.ok());
  Follower second;
  second.Drain(restarted->get());
  EXPECT_EQ(second.seen, want);
  // Nobody asks for them any more once both cursors are past.
  ASSERT_TRUE(db->Checkpoint().ok());
  EXPECT_EQ(KeptLabels(db.get()), 5u);
  ASSERT_TRUE((*restarted)->Save((*restarted)->position()).ok());
  ASSERT_TRUE(db->Checkpoint().ok());
  EXPECT_EQ(KeptLabels(db.get()), 0u);
}

TEST(DbWalFeedTest, SeriesThatLeaveCostNothingWithoutACursor) {
  constexpr int64_t kHour = 3600'000;
  TempDir dir;
  auto db = OpenDb(dir.path());
  for (int i = 0; i < 50; i++) ASSERT_TRUE(AppendOne(db.get(), Series(i), i * kHour, i).ok());
  ASSERT_TRUE(db->MaintainHead().ok());
  EXPECT_LT(db->head()->num_series(), 5u);
  EXPECT_EQ(KeptLabels(db.get()), 0u);
}

TEST(DbWalFeedTest, IdsAreNotGivenOutAgainWhenCheckpointsAndWalAreLost) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  for (int i = 0; i < 20; i++) ASSERT_TRUE(AppendOne(db.get(), Series(i), 1000, i).ok());
  ASSERT_TRUE(db->Checkpoint().ok());
  const std::vector<uint64_t> next = db->head()->NextIds();
  db.reset();
  FileSystem* fs = FileSystem::Posix();
  const std::string own = dir.Path("deucalion");
  const auto names = fs->List(own);
  for (const std::string& name : *names) {
    if (name.starts_with("checkpoint-") || name == "wal") {
      ASSERT_TRUE(fs->RemoveAll(JoinPath(own, name)).ok());
    }
  }
  db = OpenDb(dir.path());
  EXPECT_EQ(db->head()->num_series(), 0u);
  EXPECT_EQ(db->damaged_checkpoints(), 1u);
  for (size_t i = 0; i < next.size(); i++) EXPECT_GE(db->head()->NextIds()[i], next[i]);
}

TEST(DbWalFeedTest, PositionsSurviveTextAndDamagedTextIsRefused) {
  for (const FeedPosition& position :
       {FeedPosition{{{3, 20}, {7, 4096}}}, FeedPosition{{{1, 20}}, -5},
        FeedPosition{{{1, 20}}, 1'700'000'000'000, 1'700'000'000'001}}) {
    FeedPosition parsed;
    EXPECT_TRUE(ParseFeedPosition(FormatFeedPosition(position), &parsed));
    EXPECT_EQ(parsed, position);
  }
  for (const char* bad :
       {"", "x", "1", "1.", "1.2;3.4", ".5", "1.2,", "1.2@", "1.2@3!", "1.2@3!4x"}) {
    FeedPosition parsed;
    EXPECT_FALSE(ParseFeedPosition(bad, &parsed)) << bad;
  }
}

TEST(DbWalFeedTest, SaysWhatWasThereBeforeItWasOpened) {
  TempDir dir;
  auto db = OpenDb(dir.path());
  ASSERT_TRUE(db->wal_feed()->OpenCursor("q").ok());
  ASSERT_TRUE(AppendOne(db.get(), Series(1), 1000, 1).ok());
  auto cursor = db->wal_feed()->OpenCursor("q");
  ASSERT_TRUE(AppendOne(db.get(), Series(1), 2000, 2).ok());
  FeedBatch batch;
  ASSERT_TRUE((*cursor)->Next(&batch, milliseconds(0)).ok());
  ASSERT_EQ(batch.samples.size(), 1u);
  EXPECT_EQ(batch.samples[0].time_ms, 1000);
  EXPECT_TRUE(batch.doubtful);
  ASSERT_TRUE((*cursor)->Next(&batch, milliseconds(0)).ok());
  ASSERT_EQ(batch.samples.size(), 1u);
  EXPECT_FALSE(batch.doubtful);
}

TEST(DbWalFeedTest, TheWalIsKeptForTwoHoursThenTheGapIsNamedAndWhatFollowsIsHandedOut) {
  TempDir dir;
  ManualClock clock(Clock::Real()->NowMs());
  DbOptions options;
  options.clock = &clock;
  auto db = OpenDb(dir.path(), options);
  const int64_t begin_ms = clock.NowMs() - 10'000;
  auto cursor = db->wal_feed()->OpenCursor("q");
  ASSERT_TRUE(AppendOne(db.get(), Series(1), begin_ms + 5, 1).ok());
  Follower follower;
  follower.Drain(cursor->get());
  ASSERT_TRUE((*cursor)->Save((*cursor)->position()).ok());
  for (int i = 0; i < 5; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Series(1), begin_ms + 1000 + i, i).ok());
    ASSERT_TRUE(db->Checkpoint().ok());
  }
  {
    // Young enough: everything is there, for another life of the follower as well.
    auto again = db->wal_feed()->OpenCursor("q");
    Follower second;
    second.Drain(again->get());
    EXPECT_EQ(second.seen[Series(1)].size(), 5u);
  }
  clock.AdvanceMs(3 * 3600 * 1000);
  for (int i = 5; i < 8; i++) {
    ASSERT_TRUE(AppendOne(db.get(), Series(1), begin_ms + 1000 + i, i).ok());
    ASSERT_TRUE(db->Checkpoint().ok());
  }
  auto late = db->wal_feed()->OpenCursor("q");
  FeedBatch batch;
  ASSERT_TRUE((*late)->Next(&batch, milliseconds(0)).ok());
  ASSERT_TRUE(batch.gap.has_value());
  EXPECT_EQ(batch.gap->min_ms, begin_ms + 5 - 60'000);
  EXPECT_GE(batch.gap->max_ms, clock.NowMs());
  // Halfway through the gap another life continues there.
  ASSERT_TRUE((*late)->Save((*late)->PositionInGap(begin_ms + 1003)).ok());
  ASSERT_TRUE(AppendOne(db.get(), Series(1), begin_ms + 2000, 9).ok());
  auto last = db->wal_feed()->OpenCursor("q");
  ASSERT_TRUE((*last)->Next(&batch, milliseconds(0)).ok());
  ASSERT_TRUE(batch.gap.has_value());
  EXPECT_EQ(batch.gap->min_ms, begin_ms + 1003);
  Follower third;
  third.Drain(last->get());
  EXPECT_EQ(third.seen[Series(1)].size(), 1u);
  EXPECT_TRUE(third.seen[Series(1)].contains(begin_ms + 2000));
  // Done with it: a plain position again.
  ASSERT_TRUE((*last)->Save((*last)->position()).ok());
  auto after = db->wal_feed()->OpenCursor("q");
  ASSERT_TRUE((*after)->Next(&batch, milliseconds(0)).ok());
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace deucalion::tsdb

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

TEST(DbWalFeedTest, PositionsSurviveTextAndDamagedTextIsRefused) {
  const std::vector<wal::Position> positions = {{3, 20}, {7, 4096}};
  std::vector<wal::Position> parsed;
  EXPECT_TRUE(DbWalFeed::Parse(DbWalFeed::Format(positions), &parsed));
  EXPECT_EQ(parsed, positions);
  for (const char* bad : {"", "x", "1", "1.", "1.2;3.4", ".5"}) {
    parsed.clear();
    EXPECT_FALSE(DbWalFeed::Parse(bad, &parsed)) << bad;
  }
}

}  // namespace
}  // namespace deucalion::tsdb

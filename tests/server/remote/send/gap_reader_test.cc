#include "server/remote/send/gap_reader.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/memory_storage.h"

namespace deucalion::remote {
namespace {

TEST(GapReaderTest, ReadsEachSampleOnceInTheOrderOfItsSeries) {
  ManualClock clock;
  testing_support::MemoryStorage storage;
  constexpr int64_t kHour = 3'600'000;
  size_t want = 0;
  for (int i = 0; i < 700; ++i) {
    const Labels labels{{"__name__", "m"}, {"i", std::to_string(i)}};
    // One of them long silent in between.
    for (int64_t t = 0; t <= kHour; t += i == 3 ? kHour / 2 : 60'000) {
      ASSERT_TRUE(storage.Append(labels, t, static_cast<double>(i)).ok());
      if (t >= 30'000 && t <= kHour - 30'000) ++want;
    }
  }
  GapReader reader(&storage, &clock, {.min_ms = 30'000, .max_ms = kHour - 30'000});
  std::map<uint64_t, Labels> labels;
  std::map<Labels, int64_t> newest;
  size_t got = 0;
  int64_t settled_ms = 0;
  while (!reader.done()) {
    FeedBatch batch;
    ASSERT_TRUE(reader.Next(&batch).ok());
    EXPECT_TRUE(batch.doubtful);
    EXPECT_LT(batch.samples.size(), 3'000u);  // bounded
    for (const FeedSeries& s : batch.series) labels[s.id] = s.labels;
    for (const FeedSample& s : batch.samples) {
      EXPECT_NE(s.id >> 63, 0u);
      ASSERT_TRUE(labels.contains(s.id));
      EXPECT_GE(s.time_ms, settled_ms);
      const auto [it, first] = newest.try_emplace(labels[s.id], s.time_ms);
      EXPECT_TRUE(first || s.time_ms > it->second) << s.time_ms;
      it->second = s.time_ms;
      ++got;
    }
    for (const uint64_t id : batch.gone) labels.erase(id);
    settled_ms = reader.next_ms();
    // A slow receiver: every slice is left and taken up again.
    clock.AdvanceMs(20'000);
  }
  EXPECT_EQ(got, want);
  EXPECT_EQ(newest.size(), 700u);
  EXPECT_TRUE(labels.empty());
}

TEST(GapReaderTest, AnEmptyGapIsDoneAtOnce) {
  ManualClock clock;
  testing_support::MemoryStorage storage;
  GapReader reader(&storage, &clock, {.min_ms = 10, .max_ms = 9});
  EXPECT_TRUE(reader.done());
  FeedBatch batch;
  EXPECT_TRUE(reader.Next(&batch).ok());
  EXPECT_TRUE(batch.samples.empty());
}

}  // namespace
}  // namespace deucalion::remote

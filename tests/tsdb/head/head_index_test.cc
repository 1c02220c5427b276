#include "tsdb/head/head_index.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace deucalion::tsdb {
namespace {

// Series come and go; values of a label are asked for at any time.
TEST(HeadIndexTest, SortedValuesFollowWhatComesAndGoes) {
  SeriesSlabs slabs;
  const Slot first = slabs.AddSlab(0);
  HeadIndex index(&slabs);
  std::mt19937 rng(1);
  std::map<Slot, std::string> live;
  std::map<Slot, ArenaRef> labels_of;
  for (Slot slot = first; slot < first + 600; slot++) {
    const std::string pod = "pod-" + std::to_string(rng() % 150);
    {
      WriterLock lock(index.mu());
      const ArenaRef stored = index.InternLabels(Labels{{"job", "a"}, {"pod", pod}});
      ASSERT_NE(stored, 0u);
      slabs.Record(slot).labels = stored;
      index.Add(stored, slot);
      labels_of[slot] = stored;
    }
    live[slot] = pod;
    if (rng() % 50 == 0) {
      std::set<Slot> gone;
      for (const auto& [s, unused] : live) {
        if (rng() % 2 == 0) gone.insert(s);
      }
      std::vector<uint32_t> retired;
      WriterLock lock(index.mu());
      index.Compact([&](Slot s) { return gone.contains(s); }, &retired);
      for (const Slot s : gone) {
        index.FreeLabels(labels_of[s]);
        live.erase(s);
      }
      index.FreePairs(retired);
    }
    if (rng() % 4 != 0) continue;
    std::set<std::string_view> want;
    for (const auto& [s, p] : live) want.insert(p);
    ReaderLock lock(index.mu());
    std::vector<std::string_view> got{"what was there"};
    ASSERT_TRUE(index.SortedValues("pod", &got).ok());
    ASSERT_TRUE(std::ranges::equal(got, want)) << "slot " << slot;
    ASSERT_TRUE(index.SortedValues("pod", &got).ok());
    ASSERT_TRUE(std::ranges::equal(got, want)) << "again, slot " << slot;
  }
  ReaderLock lock(index.mu());
  std::vector<std::string_view> got{"what was there"};
  ASSERT_TRUE(index.SortedValues("nobody", &got).ok());
  EXPECT_TRUE(got.empty());
}

// A checkpoint may know pairs that no series of it has any more.
TEST(HeadIndexTest, AValueThatNoSeriesHasIsNoneUntilOneHasIt) {
  SeriesSlabs slabs;
  const Slot slot = slabs.AddSlab(0) + 1;
  HeadIndex index(&slabs);
  WriterLock lock(index.mu());
  const Labels labels{{"pod", "a"}};
  const uint32_t pair = index.InternPair(labels.bytes());
  std::vector<std::string_view> got;
  ASSERT_TRUE(index.SortedValues("pod", &got).ok());
  EXPECT_TRUE(got.empty());
  index.Add(index.InternPairs({&pair, 1}), slot);
  ASSERT_TRUE(index.SortedValues("pod", &got).ok());
  EXPECT_EQ(got, std::vector<std::string_view>{"a"});
}

}  // namespace
}  // namespace deucalion::tsdb

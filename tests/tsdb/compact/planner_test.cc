#include "tsdb/compact/planner.h"

#include <gtest/gtest.h>

#include "tsdb/compact/retention.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3'600'000;

// "a:0-2 b:2-4*" : name, hours; '*' = many tombstones, '!' = failed, 'p' = Prometheus's format,
// 'e' = of series that ended.
std::vector<PlannedBlock> Blocks(const std::string& text) {
  std::vector<PlannedBlock> blocks;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    PlannedBlock& b = blocks.emplace_back();
    b.meta.version = 1;
    while (word.find_first_of("*!pe") == word.size() - 1 && !isdigit(word.back())) {
      if (word.back() == '*') b.tombstones = 100;
      if (word.back() == '!') b.meta.failed = true;
      if (word.back() == 'p') b.meta.version = 0;
      if (word.back() == 'e') b.meta.hints = {std::string(kFromEndedSeries)};
      word.pop_back();
    }
    const size_t colon = word.find(':'), dash = word.find('-');
    b.meta.ulid = word.substr(0, colon);
    b.meta.min_ms = std::stoll(word.substr(colon + 1)) * kHour;
    b.meta.max_ms = std::stoll(word.substr(dash + 1)) * kHour;
    b.meta.series = 10;
  }
  return blocks;
}

std::string Plan(const std::string& text) {
  std::string plan;
  for (const auto& ulid :
       PlanCompaction(Blocks(text), CompactionRanges(2 * kHour, 24 * kHour)).ulids) {
    plan += ulid;
  }
  return plan;
}

TEST(PlannerTest, MergesWhatIsCompleteAndNothingElse) {
  struct Case {
    const char* blocks;
    const char* want;
  } const cases[] = {
      {"", ""},
      {"a:0-2", ""},
      // Series that ended: until their range is cut, whatever else there is.
      {"a:0-2e b:0-1e", ""},
      {"a:0-2 b:2-4 c:4-6e d:4-5e", ""},
      {"a:0-2 b:0-2e c:0-1e", "cab"},
      // Eight of one range become one meanwhile.
      {"a:0-2e b:0-1e c:0-1e d:0-1e f:0-1e g:0-1e h:1-2e", ""},
      {"a:0-2e b:0-1e c:0-1e d:0-1e f:0-1e g:0-1e h:1-2e i:2-3e", ""},
      {"a:0-2e b:0-1e c:0-1e d:0-1e f:0-1e g:0-1e h:1-2e i:1-2e j:1-2e", "bcdfgahi"},
      {"a:0-2 b:2-4", ""},
      {"a:0-2 b:2-4 c:4-6 d:6-8", ""},  // the newest is left out
      {"a:0-2 b:2-4 c:4-6 d:6-8 e:8-10", "abcd"},
      {"e:8-10 d:6-8 c:4-6 b:2-4 a:0-2", "abcd"},  // any order
      {"a:0-2 b:2-4 d:6-8 e:8-10", "abd"},         // a gap that will not be filled
      {"a:0-2 e:8-10", ""},                        // nothing to merge it with
      {"a:6-8 b:8-10 c:10-12", ""},
      {"a:0-8 b:8-16 c:16-24 d:24-26", "abc"},  // the next level
      {"a:0-8 b:8-16 c:16-18 d:18-20", ""},     // the third part is not complete
      {"a:0-8 b:8-16 c:24-26", "ab"},
      {"a:0-24 b:24-48 c:48-50", ""},  // days stay
      {"a:0-2 b:1-3 c:4-6", "ab"},     // overlap
      {"a:0-2 b:0-2", "ab"},
      {"a:0-24 b:3-5 c:24-26", "ab"},
      {"a:0-2! b:2-4 c:4-6 d:6-8 e:8-10", ""},  // failed before
      {"a:0-24* b:24-26", "a"},
      {"a:0-18p b:24-26", "a"},
  };
  for (const Case& c : cases) EXPECT_EQ(Plan(c.blocks), c.want) << c.blocks;
}

TEST(PlannerTest, ABlockOfBlocksOfEndedSeriesIsOneToo) {
  std::vector<PlannedBlock> blocks = Blocks("a:0-1e b:0-1e c:0-1");
  std::vector<BlockMeta> ended{blocks[0].meta, blocks[1].meta};
  EXPECT_TRUE(MergedMeta(ended, "m").FromEndedSeries());
  EXPECT_EQ(MergedMeta(ended, "m").level, 2);
  ended.push_back(blocks[2].meta);
  EXPECT_FALSE(MergedMeta(ended, "m").FromEndedSeries());
}

TEST(PlannerTest, RangesStopAtTheLargest) {
  EXPECT_EQ(CompactionRanges(2, 24), (std::vector<int64_t>{2, 8, 24}));
  EXPECT_EQ(CompactionRanges(2, 23), (std::vector<int64_t>{2, 8}));
  EXPECT_EQ(CompactionRanges(2, 2), (std::vector<int64_t>{2}));
  EXPECT_EQ(CompactionRanges(2, 6), (std::vector<int64_t>{2, 6}));
  EXPECT_EQ(CompactionRanges(2, 16), (std::vector<int64_t>{2, 8, 16}));
  EXPECT_EQ(CompactionRanges(2, 48), (std::vector<int64_t>{2, 8, 24}));
}

TEST(PlannerTest, MergedMetaCoversItsParents) {
  std::vector<BlockMeta> parents;
  for (auto& b : Blocks("a:0-2 b:2-4")) parents.push_back(b.meta);
  parents[0].sources = {"a"};
  parents[1].sources = {"b"};
  parents[1].head_cut = true;
  parents[1].cut_ms = 77;
  const BlockMeta meta = MergedMeta(parents, "x");
  EXPECT_EQ(meta.min_ms, 0);
  EXPECT_EQ(meta.max_ms, 4 * kHour);
  EXPECT_EQ(meta.level, 2);
  EXPECT_EQ(meta.sources, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(meta.parents.size(), 2u);
  EXPECT_EQ(meta.cut_ms, 77);
}

std::string Dropped(const StorageSettings& settings, uint64_t other = 0, uint64_t disk = 0) {
  const RetentionDrop drop = PlanRetention(
      {{"a", 2 * kHour, 100}, {"b", 4 * kHour, 100}, {"c", 6 * kHour, 100}}, settings, other, disk);
  std::string text = "time";
  for (const auto& u : drop.by_time) text += " " + u;
  text += " size";
  for (const auto& u : drop.by_size) text += " " + u;
  return text;
}

TEST(RetentionTest, TimeSizeAndPercentage) {
  EXPECT_EQ(Dropped({}), "time size");
  EXPECT_EQ(Dropped({.retention_ms = 4 * kHour}), "time a size");
  EXPECT_EQ(Dropped({.retention_ms = 4 * kHour + 1}), "time size");
  EXPECT_EQ(Dropped({.retention_ms = 1}), "time b a size");
  EXPECT_EQ(Dropped({.retention_bytes = 300}), "time size");
  EXPECT_EQ(Dropped({.retention_bytes = 299}), "time size a");
  EXPECT_EQ(Dropped({.retention_bytes = 300}, 50), "time size a");
  EXPECT_EQ(Dropped({.retention_bytes = 1}), "time size c b a");
  EXPECT_EQ(Dropped({.retention_bytes = 1, .retention_percent = 50}, 0, 1000), "time size");
  EXPECT_EQ(Dropped({.retention_percent = 25}, 0, 1000), "time size a");
}

}  // namespace
}  // namespace deucalion::tsdb

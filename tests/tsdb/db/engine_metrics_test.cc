// What the engine's own metrics say after a cut and a checkpoint.
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours

TEST(EngineMetricsTest, ACutAndACheckpointAreCounted) {
  TempDir dir;
  MetricRegistry registry;
  DbOptions options;
  options.metrics = &registry;
  auto db = OpenDb(dir.path(), options);
  ASSERT_NE(db, nullptr);
  for (int64_t t = kStart; t < kStart + 182 * kMinute; t += kMinute) {
    for (int i = 0; i < 3; i++) {
      const Labels labels{{"__name__", "m"}, {"i", std::to_string(i)}};
      ASSERT_TRUE(AppendOne(db.get(), labels, t, static_cast<double>(t % 977)).ok());
    }
  }
  const auto has = [&](const std::string& line) {
    const std::string text = registry.TextExposition();
    return text.find("\n" + line + "\n") != std::string::npos;
  };
  EXPECT_TRUE(has("prometheus_tsdb_compaction_duration_seconds_count 0"));
  ASSERT_TRUE(db->MaintainHead().ok());
  EXPECT_TRUE(has("prometheus_tsdb_compaction_duration_seconds_count 1"));
  EXPECT_TRUE(has("prometheus_tsdb_head_gc_duration_seconds_count 1"));
  EXPECT_TRUE(has("prometheus_tsdb_reloads_total 1"));
  // One slice for each of three series, 120 samples of two hours.
  EXPECT_TRUE(has("prometheus_tsdb_compaction_chunk_samples_count 3"));
  EXPECT_TRUE(has("prometheus_tsdb_compaction_chunk_samples_sum 360"));
  EXPECT_TRUE(has("prometheus_tsdb_compaction_chunk_range_seconds_sum 21420000"));
  EXPECT_TRUE(has("prometheus_tsdb_compaction_populating_block 0"));
  EXPECT_TRUE(has("prometheus_tsdb_checkpoint_creations_total 0"));
  ASSERT_TRUE(db->Checkpoint().ok());
  EXPECT_TRUE(has("prometheus_tsdb_checkpoint_creations_total 1"));
  EXPECT_TRUE(has("prometheus_tsdb_wal_truncations_total 1"));
  EXPECT_TRUE(has("prometheus_tsdb_wal_truncate_duration_seconds_count 1"));
  db.reset();
}

}  // namespace
}  // namespace deucalion::tsdb

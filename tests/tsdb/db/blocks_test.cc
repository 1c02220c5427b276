// The whole engine over time: appends, cuts, late samples, compaction, deletion, retention,
// snapshots, restarts, each compared with a map.
#include <gtest/gtest.h>

#include <random>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours

Labels Series(int i) {
  return Labels({{"__name__", i % 3 ? "gauge" : "counter_total"},
                 {"instance", "host-" + std::to_string(i % 7)},
                 {"n", std::to_string(i)}});
}

class DbBlocksTest : public ::testing::Test {
 protected:
  DbOptions Options() {
    DbOptions options;
    options.settings.out_of_order_window_ms = window_ms_;
    options.clock = &clock_;
    return options;
  }
  void Open() {
    db_.reset();
    db_ = OpenDb(dir_.path(), Options());
  }
  // One sample of every series per minute in [begin, end).
  void Append(int64_t begin, int64_t end, int series = 20) {
    for (int64_t t = begin; t < end; t += kMinute) {
      auto appender = db_->NewAppender({});
      for (int i = 0; i < series; ++i) {
        if (rng_() % 50 == 0) continue;
        const double value =
            rng_() % 100 == 0 ? StaleNan() : static_cast<double>(rng_() % 1000) / 8;
        ASSERT_TRUE(appender->Append(Ref(appender.get(), Series(i)), t + i, value, 0).ok());
        model_[Series(i)][t + i] = std::bit_cast<uint64_t>(value);
      }
      ASSERT_TRUE(appender->Commit().ok());
    }
  }
  void AppendLate(int i, int64_t t, double value) {
    ASSERT_TRUE(AppendOne(db_.get(), Series(i), t, value).ok());
    model_[Series(i)].try_emplace(t, std::bit_cast<uint64_t>(value));
  }
  void CompactAll() {
    for (;;) {
      const auto more = db_->MaintainBlocks(nullptr, {});
      ASSERT_TRUE(more.ok()) << more.status().ToString();
      if (!*more) break;
    }
  }
  void Forget(int64_t min_ms, int64_t max_ms, const std::function<bool(LabelsView)>& which) {
    for (auto& [labels, samples] : model_) {
      if (!which(labels)) continue;
      samples.erase(samples.lower_bound(min_ms), samples.upper_bound(max_ms));
    }
    std::erase_if(model_, [](const auto& s) { return s.second.empty(); });
  }
  static std::string FirstDifference(const std::map<int64_t, uint64_t>& got,
                                     const std::map<int64_t, uint64_t>& want) {
    for (const auto& [t, bits] : want) {
      const auto it = got.find(t);
      if (it == got.end()) return "no sample at " + std::to_string(t - kStart);
      if (it->second != bits) return "another value at " + std::to_string(t - kStart);
    }
    for (const auto& [t, bits] : got) {
      if (!want.contains(t)) return "a sample too many at " + std::to_string(t - kStart);
    }
    return "";
  }
  void Check(const std::string& what) {
    // Series without samples left may be listed or not.
    SampleMap got = ReadAll(db_.get());
    std::erase_if(got, [](const auto& s) { return s.second.empty(); });
    ASSERT_EQ(got.size(), model_.size()) << what;
    for (const auto& [series, samples] : model_) {
      const std::string difference = FirstDifference(got[series], samples);
      ASSERT_EQ(difference, "") << what << ": " << series.ToString();
    }
  }

  TempDir dir_;
  ManualClock clock_{kStart};
  int64_t window_ms_ = 0;
  std::mt19937_64 rng_{1};
  SampleMap model_;
  std::unique_ptr<Db> db_;
};

TEST_F(DbBlocksTest, HeadIsCutWhenItSpansOneAndAHalfRanges) {
  Open();
  Append(kStart, kStart + 3 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  EXPECT_TRUE(db_->Blocks().empty());
  Append(kStart + 3 * kHour, kStart + 3 * kHour + 5 * kMinute);
  ASSERT_TRUE(db_->MaintainHead().ok());
  ASSERT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].min_ms, kStart);
  EXPECT_EQ(db_->Blocks()[0].max_ms, kStart + 2 * kHour);
  EXPECT_EQ(db_->head()->min_ms(), kStart + 2 * kHour);
  Check("after the cut");
  Open();
  Check("reopened");
  EXPECT_EQ(db_->head()->floor_ms(), kStart + 2 * kHour);
}

TEST_F(DbBlocksTest, ADayOfAppendsCutsCompactionsAndRestartsEqualsTheMap) {
  Open();
  for (int hour = 0; hour < 30; ++hour) {
    // Some series end, others begin.
    Append(kStart + hour * kHour, kStart + (hour + 1) * kHour, 10 + hour % 13);
    ASSERT_TRUE(db_->MaintainHead().ok());
    if (hour % 3 == 0) CompactAll();
    if (hour % 5 == 4) Open();
    if (hour % 6 == 0) Check("hour " + std::to_string(hour));
  }
  CompactAll();
  Check("at the end");
  const auto blocks = db_->Blocks();
  ASSERT_FALSE(blocks.empty());
  EXPECT_EQ(blocks[0].max_ms - blocks[0].min_ms, 24 * kHour - (kStart % (24 * kHour)));
  Open();
  Check("reopened");
}

TEST_F(DbBlocksTest, LateSamplesSurviveCutsRestartsAndCompaction) {
  window_ms_ = 12 * kHour;
  Open();
  for (int hour = 0; hour < 14; ++hour) {
    Append(kStart + hour * kHour, kStart + (hour + 1) * kHour);
    for (int k = 0; k < 30 && hour > 0; ++k) {
      const int64_t back =
          static_cast<int64_t>(rng_() % static_cast<uint64_t>(std::min(11, hour) * kHour));
      AppendLate(static_cast<int>(rng_() % 20), kStart + hour * kHour - back + 31'000 - 7, 0.5);
    }
    Check("late in memory, hour " + std::to_string(hour));
    ASSERT_TRUE(db_->MaintainHead().ok());
    Check("cut, hour " + std::to_string(hour));
    if (hour % 4 == 3) {
      Open();
      Check("reopened, hour " + std::to_string(hour));
    }
    if (hour % 4 == 1) CompactAll();
  }
  ASSERT_TRUE(db_->CutHead().ok());
  EXPECT_EQ(db_->head()->LateRanges(2 * kHour, db_->head()->floor_ms()).size(), 0u);
  CompactAll();
  Check("compacted");
  Open();
  Check("at the end");
}

TEST_F(DbBlocksTest, DeletionReachesHeadAndBlocksAndIsCleaned) {
  Open();
  Append(kStart, kStart + 5 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  const int64_t from = kStart + kHour, to = kStart + 4 * kHour + 30 * kMinute;
  ASSERT_TRUE(db_->DeleteSeries(from, to, {Matcher::Equal("__name__", "counter_total")}).ok());
  Forget(from, to, [](LabelsView l) { return l.Get("__name__") == "counter_total"; });
  Check("deleted");
  Open();
  Check("reopened");
  EXPECT_GT(db_->Blocks()[0].tombstones, 0u);
  ASSERT_TRUE(db_->CleanTombstones().ok());
  EXPECT_EQ(db_->Blocks()[0].tombstones, 0u);
  Check("cleaned");
  Open();
  Check("reopened after cleaning");
}

TEST_F(DbBlocksTest, RetentionDropsWholeBlocks) {
  Open();
  Append(kStart, kStart + 9 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  ASSERT_EQ(db_->Blocks().size(), 3u);
  StorageSettings settings;
  settings.retention_ms = 4 * kHour;
  ASSERT_TRUE(db_->Apply(settings).ok());
  CompactAll();
  EXPECT_EQ(db_->Blocks().size(), 2u);
  Forget(kMinTimeMs, kStart + 2 * kHour - 1, [](LabelsView) { return true; });
  Check("dropped");
  Open();
  Check("reopened");
}

TEST_F(DbBlocksTest, RetentionBySizeAndPercentageFollowsReloads) {
  Open();
  Append(kStart, kStart + 11 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  ASSERT_EQ(db_->Blocks().size(), 4u);
  uint64_t bytes = 0;
  for (const BlockInfo& b : db_->Blocks()) bytes += b.size_bytes;
  StorageSettings settings;
  settings.retention_bytes = 1 << 30;
  ASSERT_TRUE(db_->Apply(settings).ok());
  ASSERT_TRUE(db_->blocks()->ApplyRetention(settings, 0).ok());
  EXPECT_EQ(db_->Blocks().size(), 4u);
  settings.retention_bytes = bytes - 1;
  ASSERT_TRUE(db_->blocks()->ApplyRetention(settings, 0).ok());
  EXPECT_EQ(db_->Blocks().size(), 3u);
  Forget(kMinTimeMs, kStart + 2 * kHour - 1, [](LabelsView) { return true; });
  Check("by size");
  // WAL and head count against the size.
  ASSERT_TRUE(db_->blocks()->ApplyRetention(settings, bytes / 2).ok());
  EXPECT_LT(db_->Blocks().size(), 3u);
  ASSERT_TRUE(db_->Apply({}).ok());
  CompactAll();
  const size_t left = db_->Blocks().size();
  EXPECT_GT(left, 0u);
  settings = {};
  settings.retention_percent = 99.9;
  ASSERT_TRUE(db_->Apply(settings).ok());
  CompactAll();
  EXPECT_EQ(db_->Blocks().size(), left);
  settings.retention_percent = 1e-9;
  ASSERT_TRUE(db_->Apply(settings).ok());
  CompactAll();
  EXPECT_TRUE(db_->Blocks().empty());
  Forget(kMinTimeMs, db_->head()->floor_ms() - 1, [](LabelsView) { return true; });
  Check("by percentage");
  Open();
  Check("reopened");
}

TEST_F(DbBlocksTest, AClockThatJumpsBackChangesNothing) {
  Open();
  Append(kStart, kStart + 5 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  clock_.SetWallMs(kStart - 400 * 24 * kHour);
  Append(kStart + 5 * kHour, kStart + 8 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  StorageSettings settings;
  settings.retention_ms = 100 * 24 * kHour;
  ASSERT_TRUE(db_->Apply(settings).ok());
  CompactAll();
  ASSERT_TRUE(db_->Checkpoint().ok());
  const auto snapshot = db_->Snapshot(false);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  Check("clock of last year");
  clock_.SetWallMs(kStart + 3000 * 24 * kHour);
  Append(kStart + 8 * kHour, kStart + 12 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  CompactAll();
  Check("clock of years ahead");
  Open();
  Check("reopened");
}

TEST_F(DbBlocksTest, ABlockThatIsGoneOrHalfThereIsReportedAndTheRestAnswers) {
  Open();
  Append(kStart, kStart + 9 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  const auto blocks = db_->Blocks();
  ASSERT_EQ(blocks.size(), 3u);
  db_.reset();
  FileSystem* fs = FileSystem::Posix();
  const std::string dir = dir_.Path("deucalion/blocks/");
  ASSERT_TRUE(fs->RemoveAll(dir + blocks[0].id).ok());
  ASSERT_TRUE(fs->Remove(dir + blocks[1].id + "/index").ok());
  Forget(kMinTimeMs, kStart + 4 * kHour - 1, [](LabelsView) { return true; });
  for (int start = 0; start < 2; start++) {
    Open();
    ASSERT_NE(db_, nullptr);
    Check("two blocks lost");
    const BlockStoreFindings& found = db_->blocks()->store().findings();
    EXPECT_EQ(found.missing, start == 0 ? 1u : 0u);
    EXPECT_EQ(found.unreadable, 1u);
    EXPECT_EQ(db_->Blocks().size(), 1u);
  }
  // What is left of it is not ours to delete.
  EXPECT_TRUE(fs->Exists(dir + blocks[1].id));
}

TEST_F(DbBlocksTest, AppendsGoOnBehindBlocksThatSomebodyPutThere) {
  Open();
  Append(kStart, kStart + 5 * kHour);
  const auto name = db_->Snapshot(false);
  ASSERT_TRUE(name.ok());
  db_ = OpenDb(dir_.Path("snapshots/" + *name), Options());
  const int64_t end = db_->TimeBounds().second;
  EXPECT_EQ(AppendOne(db_.get(), Series(1), end, 1).code(), StatusCode::kOutOfBounds);
  EXPECT_TRUE(AppendOne(db_.get(), Series(1), end + 1, 1).ok());
}

TEST_F(DbBlocksTest, SnapshotOpensAsADataDirectory) {
  window_ms_ = 6 * kHour;
  Open();
  Append(kStart, kStart + 7 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  AppendLate(3, kStart + 2 * kHour + 500, 42);
  ASSERT_TRUE(db_->DeleteSeries(kStart, kStart + kHour, {Matcher::Equal("n", "5")}).ok());
  Forget(kStart, kStart + kHour, [](LabelsView l) { return l.Get("n") == "5"; });
  const auto name = db_->Snapshot(false);
  ASSERT_TRUE(name.ok()) << name.status().ToString();
  const std::string path = dir_.Path("snapshots/" + *name);
  const auto entries = FileSystem::Posix()->List(path);
  ASSERT_TRUE(entries.ok());
  for (const auto& entry : *entries) EXPECT_TRUE(IsUlid(entry)) << entry;
  db_ = OpenDb(path, Options());
  Check("snapshot");
  Open();
  const auto blocks_only = db_->Snapshot(true);
  ASSERT_TRUE(blocks_only.ok());
  Forget(db_->head()->floor_ms(), kMaxTimeMs, [](LabelsView) { return true; });
  db_ = OpenDb(dir_.Path("snapshots/" + *blocks_only), Options());
  model_[Series(3)].erase(kStart + 2 * kHour + 500);
  Check("snapshot without the head");
}

// The blocks of a snapshot know how far the WAL they came from was cut. That says nothing about the
// WAL of the directory they are restored into.
TEST_F(DbBlocksTest, ARestoredSnapshotHidesNothingOfTheNewWal) {
  window_ms_ = 12 * kHour;
  Open();
  Append(kStart, kStart + 9 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  const auto name = db_->Snapshot(false);
  ASSERT_TRUE(name.ok()) << name.status().ToString();
  const std::string path = dir_.Path("snapshots/" + *name);
  db_ = OpenDb(path, Options());
  Append(kStart + 9 * kHour, kStart + 9 * kHour + 5 * kMinute);
  AppendLate(3, kStart + 2 * kHour + 500, 42);
  Check("before the crash");
  db_.reset();
  db_ = OpenDb(path, Options());
  Check("after the crash");
}

TEST_F(DbBlocksTest, AQuerierKeepsItsViewWhileEverythingChanges) {
  Open();
  Append(kStart, kStart + 9 * kHour);
  auto querier = db_->NewQuerier(kMinTimeMs, kMaxTimeMs);
  ASSERT_TRUE(querier.ok());
  const SampleMap before = ReadAll(db_.get());
  // The cut waits for readers only before it frees memory, so this must not be needed to go on.
  std::thread cutter([&] { EXPECT_TRUE(db_->MaintainHead().ok()); });
  auto set = (*querier)->Select(true, {.min_ms = kMinTimeMs, .max_ms = kMaxTimeMs}, {}, nullptr);
  ASSERT_TRUE(set.ok());
  ASSERT_EQ((*set)->size(), before.size());
  for (size_t i = 0; i < (*set)->size(); ++i) {
    Labels labels;
    SampleColumns samples;
    (*set)->LabelsOf(i, &labels);
    ASSERT_TRUE((*set)->Read(i, kMinTimeMs, kMaxTimeMs, &samples).ok());
    EXPECT_EQ(samples.times.size(), before.at(labels).size());
  }
  set->reset();
  querier->reset();
  cutter.join();
  Check("after the cut");
}

TEST_F(DbBlocksTest, ACrashDuringACutOrCompactionLosesNothing) {
  for (uint64_t step = 1; step < 400; step += 3) {
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    DbOptions options = Options();
    options.fs = &fs;
    options.wal_streams = 1;
    model_.clear();
    db_ = OpenDb(dir.path(), options);
    for (int k = 0; k < 60; ++k) Append(kStart + k * 9 * kMinute, kStart + k * 9 * kMinute + 1, 4);
    ASSERT_TRUE(db_->wal()->SyncAll().ok());
    fs.SetPlan({.fail_at = step, .tear = step % 2 == 0, .crash = true});
    (void)db_->MaintainHead();
    (void)db_->MaintainBlocks(nullptr, {});
    const bool fired = fs.fired();
    db_.reset();
    fs.Clear();
    ASSERT_TRUE(fs.DropUnsynced().ok());
    db_ = OpenDb(dir.path(), Options());
    ASSERT_NE(db_, nullptr) << "step " << step;
    Check("step " + std::to_string(step));
    if (!fired) break;
  }
}

TEST_F(DbBlocksTest, ALostCatalogueIsRebuiltWithItsCut) {
  Open();
  Append(kStart, kStart + 9 * kHour);
  ASSERT_TRUE(db_->MaintainHead().ok());
  const int64_t floor = db_->head()->floor_ms();
  db_.reset();
  ASSERT_TRUE(FileSystem::Posix()->RemoveAll(dir_.Path("deucalion/catalog")).ok());
  Open();
  EXPECT_EQ(db_->head()->floor_ms(), floor);
  Check("rebuilt");
}

}  // namespace
}  // namespace deucalion::tsdb

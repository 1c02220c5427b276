// The whole engine on a disk that fails: every write path (commits, checkpoints, cuts, compactions,
// deletions, cleaning, snapshots, RocksDB's own), at steps spread over all of it. Whatever happens,
// what was acknowledged is there, what was deleted is not, and nothing is made up.
// DEUCALION_FAULT_RUNS is the number of steps tried per kind of fault.
#include <cerrno>
#include <cstdlib>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kStart = 1'700'006'400'000;
constexpr int64_t kRange = 10 * kMinute;
constexpr int kSeries = 5;
constexpr int kRounds = 90;

Labels Series(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

uint64_t Runs() {
  const char* wanted = std::getenv("DEUCALION_FAULT_RUNS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 12;
}

DbOptions Options(FileSystem* fs) {
  DbOptions options;
  options.fs = fs;
  options.durability = wal::Durability::kAlways;
  options.background = false;
  options.min_block_range_ms = kRange;
  options.max_block_range_ms = 3 * kRange;
  options.settings.out_of_order_window_ms = 3 * kRange;
  options.wal_segment_bytes = 2'000;
  options.chunk_file_bytes = 16'384;
  options.shards = 4;
  return options;
}

// What is known of each sample that was ever sent.
enum class Fate { kSent, kAcknowledged, kMaybeDeleted, kDeleted };

class Model {
 public:
  struct Sample {
    uint64_t bits;
    Fate fate;
  };
  void Note(int series, int64_t t, double v, bool acknowledged) {
    samples_[Series(series)].try_emplace(
        t, Sample{std::bit_cast<uint64_t>(v), acknowledged ? Fate::kAcknowledged : Fate::kSent});
  }
  void NoteDeletion(int series, int64_t min_ms, int64_t max_ms, bool acknowledged) {
    for (auto& [t, sample] : samples_[Series(series)]) {
      if (t < min_ms || t > max_ms || sample.fate == Fate::kDeleted) continue;
      // Of a commit that failed: may still come back, the deletion cannot know of it.
      if (sample.fate == Fate::kSent) continue;
      sample.fate = acknowledged ? Fate::kDeleted : Fate::kMaybeDeleted;
    }
  }
  // "" or the first thing that is wrong.
  std::string Compare(const SampleMap& got) const {
    for (const auto& [series, samples] : samples_) {
      const auto found = got.find(series);
      for (const auto& [t, sample] : samples) {
        const bool there = found != got.end() && found->second.contains(t);
        if (!there && sample.fate == Fate::kAcknowledged) return Name("lost", series, t);
        if (there && sample.fate == Fate::kDeleted) return Name("undeleted", series, t);
        if (there && found->second.at(t) != sample.bits) return Name("wrong value", series, t);
      }
    }
    for (const auto& [series, samples] : got) {
      const auto known = samples_.find(series);
      for (const auto& [t, bits] : samples) {
        if (known == samples_.end() || !known->second.contains(t)) {
          return Name("made up", series, t);
        }
      }
    }
    return "";
  }

 private:
  static std::string Name(const char* what, const Labels& series, int64_t t) {
    return std::string(what) + " " + series.ToString() + " at minute " +
           std::to_string(static_cast<double>(t - kStart) / kMinute);
  }
  std::map<Labels, std::map<int64_t, Sample>> samples_;
};

class Worker {
 public:
  Worker(Db* db, Model* model) : db_(db), model_(model) {}

  // One scrape, and now and then everything else.
  void Round(int n) {
    const int64_t now = kStart + n * kMinute;
    Commit(now, n, 0, kSeries);
    if (n % 4 == 3) Commit(now - 7 * kMinute + 500, n + 0.5, 0, 2);
    if (n % 5 == 4) (void)db_->MaintainHead();
    if (n % 12 == 11) (void)db_->MaintainBlocks(nullptr, {});
    if (n % 17 == 16) Delete(n % kSeries, now - 25 * kMinute, now - 20 * kMinute);
    if (n % 29 == 28) (void)db_->CleanTombstones();
    if (n % 31 == 30) (void)db_->Snapshot(false);
    if (n % 23 == 22) (void)db_->Checkpoint();
  }
  bool Commit(int64_t t, double v, int first, int last) {
    auto appender = db_->NewAppender({});
    for (int i = first; i < last; i++) {
      const auto ref = appender->FindOrCreate(Series(i), Series(i).Hash(), 0);
      if (!ref.ok() || !appender->Append(*ref, t, v + i * 0.001, 0).ok()) return false;
    }
    const bool ok = appender->Commit().ok();
    for (int i = first; i < last; i++) model_->Note(i, t, v + i * 0.001, ok);
    return ok;
  }
  void Delete(int series, int64_t min_ms, int64_t max_ms) {
    const Status status =
        db_->DeleteSeries(min_ms, max_ms, {Matcher::Equal("i", std::to_string(series))});
    model_->NoteDeletion(series, min_ms, max_ms, status.ok());
  }

 private:
  Db* db_;
  Model* model_;
};

// How many steps Round() takes without a fault.
uint64_t CountSteps(const FaultPlan& plan) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  fs.SetPlan(plan);
  auto db = Db::Open(dir.path(), Options(&fs));
  Model model;
  Worker worker(db->get(), &model);
  for (int n = 0; n < kRounds; n++) worker.Round(n);
  EXPECT_EQ(model.Compare(ReadAll(db->get())), "");
  EXPECT_GT((*db)->Blocks().size(), 1u);
  db->reset();
  return fs.steps();
}

void RunSpread(FaultPlan plan) {
  plan.fail_at = 0;
  const uint64_t steps = CountSteps(plan);
  for (uint64_t run = 0; run < Runs(); run++) {
    // Spread evenly, and not on a grid.
    plan.fail_at = 1 + (steps * run + run * run * 7919 % steps) / Runs() % steps;
    const std::string what = "step " + std::to_string(plan.fail_at);
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    fs.SetPlan(plan);
    Model model;
    {
      auto db = Db::Open(dir.path(), Options(&fs));
      if (db.ok()) {
        Worker worker(db->get(), &model);
        for (int n = 0; n < kRounds; n++) worker.Round(n);
        ASSERT_EQ(model.Compare(ReadAll(db->get())), "") << what << ", live";
      }
    }
    ASSERT_TRUE(fs.fired()) << what;
    if (plan.crash || plan.syncs_only) {
      ASSERT_TRUE(fs.DropUnsynced().ok());
    }
    fs.Clear();
    auto db = Db::Open(dir.path(), Options(&fs));
    ASSERT_TRUE(db.ok()) << what << ": " << db.status().ToString();
    ASSERT_EQ(model.Compare(ReadAll(db->get())), "") << what << ", reopened";
    // And it goes on.
    Worker worker(db->get(), &model);
    for (int n = kRounds; n < kRounds + 20; n++) worker.Round(n);
    ASSERT_TRUE((*db)->MaintainHead().ok()) << what;
    ASSERT_TRUE(worker.Commit(kStart + (kRounds + 20) * kMinute, 1, 0, kSeries)) << what;
    ASSERT_EQ(model.Compare(ReadAll(db->get())), "") << what << ", afterwards";
  }
}

TEST(EngineFaultTest, LosesNothingWhenTheWorldEnds) { RunSpread({.crash = true}); }
TEST(EngineFaultTest, LosesNothingWhenTheWorldEndsInAHalfWrittenRecord) {
  RunSpread({.tear = true, .crash = true});
}
TEST(EngineFaultTest, LosesNothingWhenTheDiskIsFullOnce) {
  RunSpread({.error_number = ENOSPC, .tear = true, .writes_only = true});
}
TEST(EngineFaultTest, LosesNothingWhenASyncFails) { RunSpread({.syncs_only = true}); }
TEST(EngineFaultTest, LosesNothingWhenTheCatalogueFails) {
  RunSpread({.crash = true, .path_contains = "/catalog"});
}

TEST(EngineFaultTest, AFullDiskRefusesSamplesAnswersQueriesAndHealsByItself) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  auto db = Db::Open(dir.path(), Options(&fs));
  ASSERT_TRUE(db.ok());
  Model model;
  Worker worker(db->get(), &model);
  int n = 0;
  for (; n < 40; n++) worker.Round(n);
  fs.SetPlan(
      {.fail_at = 1, .error_number = ENOSPC, .tear = true, .crash = true, .writes_only = true});
  for (; n < 70; n++) {
    worker.Round(n);
    auto appender = (*db)->NewAppender({});
    ASSERT_TRUE(
        appender->Append(Ref(appender.get(), Series(0)), kStart + n * kMinute + 1, 1, 0).ok());
    const Status refused = appender->Commit();
    EXPECT_EQ(refused.code(), StatusCode::kNoSpace) << refused.ToString();
    ASSERT_EQ(model.Compare(ReadAll(db->get())), "") << "round " << n;
  }
  fs.Clear();
  for (; n < 100; n++) {
    ASSERT_TRUE(worker.Commit(kStart + n * kMinute, n, 0, kSeries)) << n;
    worker.Round(n);
  }
  ASSERT_TRUE((*db)->MaintainHead().ok());
  ASSERT_TRUE((*db)->Checkpoint().ok());
  worker.Delete(1, kStart, kStart + 10 * kMinute);
  ASSERT_EQ(model.Compare(ReadAll(db->get())), "");
  (void)(*db)->wal()->Close();
  db->reset();
  db = Db::Open(dir.path(), Options(&fs));
  ASSERT_TRUE(db.ok()) << db.status().ToString();
  ASSERT_EQ(model.Compare(ReadAll(db->get())), "");
}

TEST(EngineFaultTest, AfterAFailedSyncNothingIsAcknowledgedUntilARestart) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  DbOptions options = Options(&fs);
  options.wal_streams = 1;
  auto db = Db::Open(dir.path(), options);
  ASSERT_TRUE(db.ok());
  Model model;
  Worker worker(db->get(), &model);
  ASSERT_TRUE(worker.Commit(kStart, 1, 0, kSeries));
  fs.SetPlan({.fail_at = 1, .path_contains = "/wal/", .syncs_only = true});
  ASSERT_FALSE(worker.Commit(kStart + 1, 2, 0, kSeries));
  fs.Clear();
  for (int i = 2; i < 10; i++) {
    EXPECT_FALSE(worker.Commit(kStart + i, 3, 0, kSeries)) << "the disk only seems to work again";
  }
  EXPECT_FALSE((*db)->wal()->health().ok());
  EXPECT_EQ(model.Compare(ReadAll(db->get())), "");
  db->reset();
  ASSERT_TRUE(fs.DropUnsynced().ok());
  db = Db::Open(dir.path(), options);
  ASSERT_TRUE(db.ok()) << db.status().ToString();
  EXPECT_EQ(model.Compare(ReadAll(db->get())), "");
  Worker again(db->get(), &model);
  EXPECT_TRUE(again.Commit(kStart + 20, 4, 0, kSeries));
}

}  // namespace
}  // namespace deucalion::tsdb

#include <cerrno>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

Labels Series(int i) { return Labels{{"__name__", "m"}, {"i", std::to_string(i)}}; }

DbOptions FaultOptions(FileSystem* fs) {
  DbOptions options;
  options.fs = fs;
  options.durability = wal::Durability::kAlways;
  options.background = false;
  options.wal_segment_bytes = 600;
  options.chunk_file_bytes = 16384;
  options.shards = 4;
  return options;
}

// Appends, checkpoints and truncates until the disk fails; returns what was acknowledged.
void Work(Db* db, SampleMap* acknowledged, SampleMap* sent) {
  for (int n = 1; n <= 40; n++) {
    auto appender = db->NewAppender({});
    SampleMap pending;
    for (int i = 0; i < 6; i++) {
      const Labels series = Series(i + (n > 20 ? 3 : 0));
      auto ref = appender->FindOrCreate(series, series.Hash(), 0);
      if (!ref.ok()) continue;
      const double v = n * 1.25 + i;
      if (appender->Append(*ref, n * 15000, v, 0).ok()) {
        pending[series][n * 15000] = std::bit_cast<uint64_t>(v);
      }
    }
    for (const auto& [series, samples] : pending)
      (*sent)[series].insert(samples.begin(), samples.end());
    if (appender->Commit().ok()) {
      for (const auto& [series, samples] : pending) {
        (*acknowledged)[series].insert(samples.begin(), samples.end());
      }
    }
    appender.reset();
    if (n % 15 == 0) (void)db->Checkpoint();
  }
}

void ExpectBetween(const SampleMap& got, const SampleMap& acknowledged, const SampleMap& sent,
                   const std::string& what) {
  for (const auto& [series, samples] : acknowledged) {
    for (const auto& [t, bits] : samples) {
      const auto it = got.find(series);
      ASSERT_TRUE(it != got.end() && it->second.contains(t))
          << what << ": lost " << series.ToString() << " at " << t;
    }
  }
  for (const auto& [series, samples] : got) {
    for (const auto& [t, bits] : samples) {
      const auto it = sent.find(series);
      ASSERT_TRUE(it != sent.end() && it->second.contains(t) && it->second.at(t) == bits)
          << what << ": made up " << series.ToString() << " at " << t;
    }
  }
}

// Runs Work() with the given plan at every step; a crash drops what was not synced.
void RunEveryStep(bool crash, bool tear, int error_number, uint64_t stride) {
  for (uint64_t step = 1;; step += stride) {
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    fs.SetPlan({.fail_at = step, .error_number = error_number, .tear = tear, .crash = crash});
    SampleMap acknowledged, sent;
    {
      auto db = Db::Open(dir.path(), FaultOptions(&fs));
      if (db.ok()) {
        Work(db->get(), &acknowledged, &sent);
        // Still answers, whatever the disk says.
        ExpectBetween(ReadAll(db->get()), acknowledged, sent,
                      "before step " + std::to_string(step));
      }
    }
    const bool fired = fs.fired();
    if (crash) {
      ASSERT_TRUE(fs.DropUnsynced().ok());
    }
    fs.Clear();
    auto db = Db::Open(dir.path(), FaultOptions(&fs));
    ASSERT_TRUE(db.ok()) << "step " << step << ": " << db.status().ToString();
    ExpectBetween(ReadAll(db->get()), acknowledged, sent, "step " + std::to_string(step));
    if (testing::Test::HasFatalFailure() || !fired) return;
  }
}

TEST(DbFaultTest, KeepsWhatItAcknowledgedWhenTheWorldEndsAtAnyStep) {
  RunEveryStep(true, false, EIO, 5);
}
TEST(DbFaultTest, KeepsWhatItAcknowledgedWhenAWriteIsTornAtAnyStep) {
  RunEveryStep(true, true, EIO, 7);
}
TEST(DbFaultTest, GoesOnAfterOneFullDiskAtAnyStep) { RunEveryStep(false, true, ENOSPC, 7); }

TEST(DbFaultTest, StartsWithoutACheckpointThatCannotBeRead) {
  TempDir dir;
  SampleMap acknowledged, sent;
  DbOptions options = FaultOptions(FileSystem::Posix());
  {
    auto db = Db::Open(dir.path(), options);
    Work(db->get(), &acknowledged, &sent);
  }
  const std::string own = JoinPath(dir.path(), "deucalion");
  auto names = FileSystem::Posix()->List(own);
  std::string checkpoint;
  for (const std::string& name : *names) {
    if (name.starts_with("checkpoint-")) checkpoint = JoinPath(own, name);
  }
  const std::string bytes = *FileSystem::Posix()->ReadFile(checkpoint);
  for (size_t at = 0; at < bytes.size(); at += 151) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ASSERT_TRUE(FileSystem::Posix()->WriteFileAtomically(checkpoint, damaged).ok());
    auto db = Db::Open(dir.path(), options);
    ASSERT_TRUE(db.ok()) << at << ": " << db.status().ToString();
    EXPECT_GT((*db)->replay_stats().damaged, 0u) << at;
    ExpectBetween(ReadAll(db->get()), {}, sent, "byte " + std::to_string(at));
    (void)(*db)->wal()->Close();
    db->reset();
    names = FileSystem::Posix()->List(own);
    for (const std::string& name : *names) {
      if (name.starts_with("checkpoint-")) {
        ASSERT_TRUE(FileSystem::Posix()->Remove(JoinPath(own, name)).ok());
      }
    }
  }
}

}  // namespace
}  // namespace deucalion::tsdb

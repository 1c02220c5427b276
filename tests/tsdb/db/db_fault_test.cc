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

std::vector<std::string> Checkpoints(const std::string& data_dir) {
  std::vector<std::string> paths;
  const std::string own = JoinPath(data_dir, "deucalion");
  const auto names = FileSystem::Posix()->List(own);
  for (const std::string& name : *names) {
    if (name.starts_with("checkpoint-")) paths.push_back(JoinPath(own, name));
  }
  return paths;
}

std::string WithFlippedBit(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  return bytes;
}

class DamagedCheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_ = FaultOptions(FileSystem::Posix());
    auto db = Db::Open(dir_.path(), options_);
    Work(db->get(), &acknowledged_, &sent_);
    db->reset();
    checkpoints_ = Checkpoints(dir_.path());
    ASSERT_EQ(checkpoints_.size(), 2u);
    for (const std::string& path : checkpoints_) {
      bytes_.push_back(*FileSystem::Posix()->ReadFile(path));
    }
  }
  // Opens as after kill -9, looks, and leaves no traces.
  void ExpectAfterOpening(const SampleMap& at_least, const std::string& what) {
    auto db = Db::Open(dir_.path(), options_);
    ASSERT_TRUE(db.ok()) << what << ": " << db.status().ToString();
    EXPECT_GT((*db)->damaged_checkpoints(), 0u) << what;
    ExpectBetween(ReadAll(db->get()), at_least, sent_, what);
    // No checkpoint at exit.
    (void)(*db)->wal()->Close();
  }
  void Write(size_t i, const std::string& bytes) {
    ASSERT_TRUE(FileSystem::Posix()->WriteFileAtomically(checkpoints_[i], bytes).ok());
  }

  TempDir dir_;
  DbOptions options_;
  SampleMap acknowledged_, sent_;
  std::vector<std::string> checkpoints_, bytes_;
};

TEST_F(DamagedCheckpointTest, TheOneBeforeItCostsNothing) {
  for (size_t at = 0; at < bytes_[1].size(); at += 151) {
    Write(1, WithFlippedBit(bytes_[1], at));
    ExpectAfterOpening(acknowledged_, "byte " + std::to_string(at));
  }
  for (size_t size = 0; size < bytes_[1].size(); size += 501) {
    Write(1, bytes_[1].substr(0, size));
    ExpectAfterOpening(acknowledged_, "cut to " + std::to_string(size));
  }
  ASSERT_TRUE(FileSystem::Posix()->Remove(checkpoints_[1]).ok());
  ExpectAfterOpening(acknowledged_, "removed");
}

TEST_F(DamagedCheckpointTest, BothDamagedStillStartAndMakeNothingUp) {
  for (size_t at = 0; at < bytes_[1].size(); at += 307) {
    Write(1, WithFlippedBit(bytes_[1], at));
    Write(0, WithFlippedBit(bytes_[0], at % bytes_[0].size()));
    ExpectAfterOpening({}, "byte " + std::to_string(at));
  }
  ASSERT_TRUE(FileSystem::Posix()->Remove(checkpoints_[1]).ok());
  ASSERT_TRUE(FileSystem::Posix()->Remove(checkpoints_[0]).ok());
  ExpectAfterOpening({}, "both removed");
}

}  // namespace
}  // namespace deucalion::tsdb

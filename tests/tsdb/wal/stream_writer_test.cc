#include "tsdb/wal/stream_writer.h"

#include <atomic>
#include <cerrno>
#include <thread>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/wal/wal_support.h"

namespace deucalion::tsdb::wal {
namespace {

StreamWriter::Options OptionsFor(FileSystem* fs, const std::string& dir) {
  return {.fs = fs, .dir = dir, .durability = Durability::kOs, .segment_bytes = 2000};
}

std::string FirstSegment(const TempDir& dir) {
  return *FileSystem::Posix()->ReadFile(dir.Path(SegmentName(0, 1)));
}

TEST(WalStreamWriterTest, ReadsBackWhatWasCommittedOverManySegments) {
  TempDir dir;
  StreamWriter writer(OptionsFor(FileSystem::Posix(), dir.path()));
  Committer committer(&writer);
  size_t want = 0;
  for (int n = 1; n <= 300; n++) {
    ASSERT_TRUE(committer.Commit(n, 1 + static_cast<uint64_t>(n % 5), 20).ok());
    want += 20 - static_cast<size_t>(n % 5);
  }
  EXPECT_GT(writer.segment(), 3u);
  ASSERT_TRUE(writer.Close().ok());
  ReadBack back;
  back.Directory(FileSystem::Posix(), dir.path());
  EXPECT_EQ(back.damaged + back.torn + back.unknown_ids + back.unknown_values, 0u);
  EXPECT_EQ(back.Count(), want);
}

TEST(WalStreamWriterTest, KeepsEveryWholeFrameOfASegmentCutAtAnyByte) {
  TempDir dir;
  StreamWriter writer(OptionsFor(FileSystem::Posix(), dir.path()));
  Committer committer(&writer);
  std::vector<uint64_t> ends = {kSegmentHeaderBytes};
  for (int n = 1; n <= 8; n++) {
    ASSERT_TRUE(committer.Commit(n, 1, 3).ok());
    ends.push_back(writer.end().offset);
  }
  const std::string bytes = FirstSegment(dir);
  for (size_t cut = 0; cut <= bytes.size(); cut++) {
    ReadBack back;
    IdTable ids;
    uint32_t epoch = 0;
    back.Segment(std::string_view(bytes).substr(0, cut), 1, &ids, &epoch);
    size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1] <= cut) whole++;
    EXPECT_EQ(back.Count(), whole * 3) << "cut at " << cut;
    EXPECT_EQ(back.torn, cut >= kSegmentHeaderBytes && cut != ends[whole] ? 1u : 0u) << cut;
  }
}

TEST(WalStreamWriterTest, NeverReturnsAWrongValueFromASegmentWithAFlippedBit) {
  TempDir dir;
  StreamWriter writer(OptionsFor(FileSystem::Posix(), dir.path()));
  Committer committer(&writer);
  for (int n = 1; n <= 6; n++) ASSERT_TRUE(committer.Commit(n, 1, 3).ok());
  const std::string bytes = FirstSegment(dir);
  for (size_t bit = 0; bit < bytes.size() * 8; bit++) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ReadBack back;  // its checks are the test
    IdTable ids;
    uint32_t epoch = 0;
    back.Segment(flipped, 1, &ids, &epoch);
    EXPECT_EQ(back.damaged + back.torn, 1u) << "bit " << bit;
    EXPECT_LT(back.Count(), 18u);
  }
}

TEST(WalStreamWriterTest, TakesValuesBehindADamagedFrameOnlyIfTheyDoNotDependOnIt) {
  TempDir dir;
  StreamWriter writer(OptionsFor(FileSystem::Posix(), dir.path()));
  Committer committer(&writer);
  ASSERT_TRUE(committer.Commit(1, 1, 3).ok());
  const uint64_t second = writer.end().offset;
  ASSERT_TRUE(committer.Commit(2, 1, 3).ok());
  ASSERT_TRUE(committer.Commit(3, 1, 4).ok());  // 4 is new here: whole
  std::string bytes = FirstSegment(dir);
  bytes[second + kFrameHeaderBytes + 1] ^= 1;
  ReadBack back;
  IdTable ids;
  uint32_t epoch = 0;
  back.Segment(bytes, 1, &ids, &epoch);
  EXPECT_EQ(back.damaged, 1u);
  EXPECT_EQ(back.unknown_values, 3u);
  EXPECT_EQ(back.samples[4].size(), 1u);
  EXPECT_EQ(back.samples[1].size(), 1u);
}

TEST(WalStreamWriterTest, FailsTheCommitOnAFullDiskAndRecoversByItself) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  StreamWriter writer(OptionsFor(&fs, dir.path()));
  Committer committer(&writer);
  ASSERT_TRUE(committer.Commit(1, 1, 3).ok());
  fs.SetPlan({.fail_at = 1, .error_number = ENOSPC, .tear = true});
  EXPECT_EQ(committer.Commit(2, 1, 5).code(), StatusCode::kNoSpace);
  fs.Clear();
  ASSERT_TRUE(committer.Commit(3, 1, 5).ok());
  ASSERT_TRUE(writer.Close().ok());
  ReadBack back;
  back.Directory(&fs, dir.path());
  EXPECT_EQ(back.damaged + back.torn + back.unknown_ids + back.unknown_values, 0u);
  EXPECT_EQ(back.Count(), 3u + 5u);
}

TEST(WalStreamWriterTest, AcknowledgesNothingAfterAFailedSync) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  StreamWriter::Options options = OptionsFor(&fs, dir.path());
  options.durability = Durability::kAlways;
  StreamWriter writer(options);
  Committer committer(&writer);
  ASSERT_TRUE(committer.Commit(1, 1, 3).ok());
  fs.SetPlan({.fail_at = 1, .error_number = EIO, .syncs_only = true});
  EXPECT_EQ(committer.Commit(2, 1, 3).code(), StatusCode::kIo);
  fs.Clear();
  EXPECT_EQ(committer.Commit(3, 1, 3).code(), StatusCode::kUnavailable);
  EXPECT_EQ(writer.health().code(), StatusCode::kUnavailable);
}

TEST(WalStreamWriterTest, KeepsEveryAcknowledgedCommitWhateverStepFails) {
  for (const bool tear : {false, true}) {
    for (uint64_t step = 1; step < 80; step++) {
      TempDir dir;
      FaultFileSystem fs(FileSystem::Posix());
      fs.SetPlan({.fail_at = step, .error_number = ENOSPC, .tear = tear});
      std::vector<int> acknowledged;
      bool healthy;
      {
        StreamWriter::Options options = OptionsFor(&fs, dir.path());
        options.segment_bytes = 300;
        StreamWriter writer(options);
        Committer committer(&writer);
        for (int n = 1; n <= 30; n++) {
          if (committer.Commit(n, 1, 4).ok()) acknowledged.push_back(n);
        }
        healthy = writer.health().ok();
        (void)writer.Close();
      }
      ReadBack back;
      back.Directory(FileSystem::Posix(), dir.path());
      for (const int n : acknowledged) {
        for (uint64_t id = 1; id <= 4; id++) {
          ASSERT_TRUE(back.samples[id].contains(n)) << "step " << step << " commit " << n;
        }
      }
      // It goes on, but not when the step was the sync of a segment that ended.
      EXPECT_TRUE(!healthy || acknowledged.size() >= 28u) << "step " << step;
    }
  }
}

TEST(WalStreamWriterTest, WritesForManyCommitsAtATime) {
  TempDir dir;
  StreamWriter::Options options = OptionsFor(FileSystem::Posix(), dir.path());
  options.segment_bytes = 1 << 20;
  StreamWriter writer(options);
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (uint64_t t = 0; t < 8; t++) {
      threads.emplace_back([&, t] {
        Committer committer(&writer);
        for (int n = 1; n <= 200; n++) {
          failures += !committer.Commit(n, t * 10 + 1, t * 10 + 5).ok();
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
  ReadBack back;
  back.Directory(FileSystem::Posix(), dir.path());
  EXPECT_EQ(back.Count(), 8u * 200 * 5);
}

}  // namespace
}  // namespace deucalion::tsdb::wal

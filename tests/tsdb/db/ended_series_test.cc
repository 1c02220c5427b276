// Series that ended leave the head for blocks of their own: nothing a reader sees changes.
#include <gtest/gtest.h>

#include <thread>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/db/db_support.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kStart = 1'700'006'400'000;  // a multiple of two hours

Labels Pod(int i) {
  return Labels({{"__name__", "requests_total"}, {"pod", "pod-" + std::to_string(i)}});
}

class EndedSeriesTest : public ::testing::Test {
 protected:
  void Open(FileSystem* fs = FileSystem::Posix()) {
    db_.reset();
    DbOptions options;
    options.fs = fs;
    options.clock = &clock_;
    db_ = OpenDb(dir_.path(), options);
    ASSERT_NE(db_, nullptr);
  }
  // A sample a minute of pods [first, last) in [begin, end).
  void Append(int64_t begin, int64_t end, int first, int last) {
    for (int64_t t = begin; t < end; t += kMinute) {
      for (int i = first; i < last; i++) Put(i, t, static_cast<double>((t + i) % 977));
    }
  }
  void Put(int pod, int64_t t, double value) {
    const Status status = AppendOne(db_.get(), Pod(pod), t, value);
    ASSERT_TRUE(status.ok()) << status.ToString();
    model_[Pod(pod)][t] = std::bit_cast<uint64_t>(value);
  }
  void End(int64_t t, int first, int last) {
    for (int i = first; i < last; i++) Put(i, t, StaleNan());
  }
  // 20 pods of which the second half ends after 10 minutes, 20 minutes in all.
  void Fill() {
    Append(kStart, kStart + 10 * kMinute, 0, 20);
    End(kStart + 10 * kMinute, 10, 20);
    Append(kStart + 10 * kMinute, kStart + 20 * kMinute, 0, 10);
  }
  void Move() { ASSERT_TRUE(db_->MoveEndedSeries(1).ok()); }

  TempDir dir_;
  ManualClock clock_{kStart};
  SampleMap model_;
  std::unique_ptr<Db> db_;
};

TEST_F(EndedSeriesTest, TheyLeaveTheHeadAndStayReadable) {
  Open();
  Fill();
  Move();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  EXPECT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].series, 10u);
  ExpectModel(db_.get(), model_, "moved");
  Open();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  ExpectModel(db_.get(), model_, "after a restart");
  auto querier = db_->NewQuerier(kMinTimeMs, kMaxTimeMs);
  ASSERT_TRUE(querier.ok());
  bool truncated = false;
  EXPECT_EQ((*querier)->LabelValues("pod", {}, 0, &truncated)->size(), 20u);
}

TEST_F(EndedSeriesTest, TheirChunksAreNoLongerCountedInTheHead) {
  Open();
  Fill();
  // Each pod's open chunk; and what a marker sealed.
  EXPECT_EQ(db_->head()->Chunks().gone, 0u);
  EXPECT_EQ(db_->head()->num_chunks(), 20u);
  Move();
  EXPECT_EQ(db_->head()->num_chunks(), 10u);
  EXPECT_EQ(db_->head()->Chunks().made, 20u);
  EXPECT_EQ(db_->head()->Chunks().gone, 10u);
  Append(kStart + 20 * kMinute, kStart + 4 * kHour, 0, 10);
  EXPECT_EQ(db_->head()->num_chunks(), 20u) << "two each";
  Open();
  EXPECT_EQ(db_->head()->num_chunks(), 20u) << "from the checkpoint";
  ASSERT_TRUE(db_->MaintainHead().ok());
  EXPECT_EQ(db_->head()->num_chunks(), 10u) << "cut";
}

TEST_F(EndedSeriesTest, OnlyThoseThatEndedLongEnoughAgo) {
  Open();
  Append(kStart, kStart + 10 * kMinute, 0, 20);
  End(kStart + 10 * kMinute, 10, 20);
  Append(kStart + 10 * kMinute, kStart + 12 * kMinute, 0, 10);
  Move();  // a minute after the marker
  EXPECT_EQ(db_->head()->num_series(), 20u);
  Append(kStart + 12 * kMinute, kStart + 13 * kMinute, 0, 10);
  Move();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  // Without a marker only when no sample may follow in order.
  Append(kStart + 13 * kMinute, kStart + 73 * kMinute, 0, 5);
  Move();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  Append(kStart + 73 * kMinute, kStart + 74 * kMinute, 0, 5);
  Move();
  EXPECT_EQ(db_->head()->num_series(), 5u);
  ExpectModel(db_.get(), model_, "idle");
}

TEST_F(EndedSeriesTest, FewStayWhereTheyAre) {
  Open();
  Append(kStart, kStart + 10 * kMinute, 0, 20);
  End(kStart + 10 * kMinute, 19, 20);
  Append(kStart + 10 * kMinute, kStart + 20 * kMinute, 0, 19);
  Move();
  EXPECT_EQ(db_->head()->num_series(), 20u);
}

TEST_F(EndedSeriesTest, OneThatComesBackHasBothParts) {
  Open();
  Fill();
  Move();
  Append(kStart + 20 * kMinute, kStart + 30 * kMinute, 5, 15);
  ExpectModel(db_.get(), model_, "back");
  End(kStart + 30 * kMinute, 5, 15);
  Append(kStart + 30 * kMinute, kStart + 40 * kMinute, 0, 5);
  Move();
  EXPECT_EQ(db_->head()->num_series(), 5u);
  ExpectModel(db_.get(), model_, "ended again");
  Open();
  ExpectModel(db_.get(), model_, "after a restart");
}

TEST_F(EndedSeriesTest, ACrashBehindTheMoveLosesNothingAndDoublesNothing) {
  FaultFileSystem fs(FileSystem::Posix());
  Open(&fs);
  Fill();
  Move();
  fs.SetPlan({.fail_at = 1, .crash = true});  // no checkpoint at exit
  Open();
  EXPECT_EQ(db_->head()->num_series(), 20u) << "the WAL brings them back";
  ExpectModel(db_.get(), model_, "replayed");
  Move();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  ExpectModel(db_.get(), model_, "moved once more");
}

TEST_F(EndedSeriesTest, ACrashAtAnyCallOfTheMoveLosesNothing) {
  for (uint64_t step = 1;; step += 2) {
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    DbOptions options;
    options.fs = &fs;
    options.clock = &clock_;
    model_.clear();
    db_ = OpenDb(dir.path(), options);
    Append(kStart, kStart + 2 * kMinute, 0, 4);
    End(kStart + 2 * kMinute, 2, 4);
    Append(kStart + 2 * kMinute, kStart + 8 * kMinute, 0, 2);
    ASSERT_TRUE(db_->wal()->SyncAll().ok());
    fs.SetPlan({.fail_at = step, .tear = step % 4 == 1, .crash = true});
    const Status status = db_->MoveEndedSeries(1);
    const bool fired = fs.fired();
    ASSERT_TRUE(fired || status.ok()) << status.ToString();
    fs.SetPlan({.fail_at = 1, .crash = true});
    db_.reset();
    fs.Clear();
    ASSERT_TRUE(fs.DropUnsynced().ok());
    options.fs = FileSystem::Posix();
    db_ = OpenDb(dir.path(), options);
    ASSERT_NE(db_, nullptr) << "step " << step;
    ExpectModel(db_.get(), model_, "step " + std::to_string(step));
    db_.reset();
    if (!fired) break;
    ASSERT_LT(step, 1000u);
  }
}

TEST_F(EndedSeriesTest, WhatIsDeletedAfterTheMoveStaysDeletedOverACrash) {
  FaultFileSystem fs(FileSystem::Posix());
  Open(&fs);
  Fill();
  Move();
  ASSERT_TRUE(db_->DeleteSeries(kMinTimeMs, kMaxTimeMs, {Matcher::Equal("pod", "pod-12")}).ok());
  fs.SetPlan({.fail_at = 1, .crash = true});
  Open();
  SampleMap got = ReadAll(db_.get());
  EXPECT_TRUE(got[Pod(12)].empty());
  EXPECT_EQ(got[Pod(13)], model_[Pod(13)]);
}

TEST_F(EndedSeriesTest, TheirBlocksWaitForTheCutOfTheirRange) {
  Open();
  int64_t t = kStart;
  for (int round = 0; round < 4; round++, t += 20 * kMinute) {
    const int first = 10 + round * 10;
    Append(t, t + 10 * kMinute, 0, 10);
    for (int64_t k = t; k < t + 10 * kMinute; k += kMinute) Append(k, k + 1, first, first + 10);
    End(t + 10 * kMinute, first, first + 10);
    Append(t + 10 * kMinute, t + 20 * kMinute, 0, 10);
    Move();
    EXPECT_EQ(db_->head()->num_series(), 10u);
    EXPECT_FALSE(*db_->MaintainBlocks(nullptr, {})) << "round " << round;
  }
  EXPECT_EQ(db_->Blocks().size(), 4u);
  Append(t, kStart + 3 * kHour + 2 * kMinute, 0, 10);
  ASSERT_TRUE(db_->MaintainHead().ok());
  EXPECT_EQ(db_->Blocks().size(), 5u);
  ExpectModel(db_.get(), model_, "cut");
  while (*db_->MaintainBlocks(nullptr, {})) {
  }
  ASSERT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].max_ms, kStart + 2 * kHour);
  EXPECT_EQ(db_->Blocks()[0].series, 50u);
  ExpectModel(db_.get(), model_, "merged");
}

TEST_F(EndedSeriesTest, EightOfTheirBlocksBecomeOneThatWaitsOn) {
  Open();
  int64_t t = kStart;
  for (int round = 0; round < 8; round++, t += 4 * kMinute) {
    const int first = 10 + round * 5;
    Append(t, t + kMinute, 0, 10);
    Append(t, t + kMinute, first, first + 5);
    End(t + kMinute, first, first + 5);
    Append(t + kMinute, t + 4 * kMinute, 0, 10);
    EXPECT_FALSE(*db_->MaintainBlocks(nullptr, {})) << "round " << round;
    Move();
  }
  EXPECT_EQ(db_->Blocks().size(), 8u);
  EXPECT_TRUE(*db_->MaintainBlocks(nullptr, {}));
  ASSERT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].series, 40u);
  ExpectModel(db_.get(), model_, "eight");
  // In-order samples go on where they were, also after a restart.
  EXPECT_FALSE(*db_->MaintainBlocks(nullptr, {}));
  Open();
  Append(t, kStart + 3 * kHour + 2 * kMinute, 0, 10);
  ASSERT_TRUE(db_->MaintainHead().ok());
  EXPECT_EQ(db_->Blocks().size(), 2u);
  while (*db_->MaintainBlocks(nullptr, {})) {
  }
  ASSERT_EQ(db_->Blocks().size(), 1u);
  EXPECT_EQ(db_->Blocks()[0].series, 50u);
  ExpectModel(db_.get(), model_, "merged");
}

TEST_F(EndedSeriesTest, AQuerierFromBeforeSeesThemToItsEnd) {
  Open();
  Fill();
  auto querier = db_->NewQuerier(kMinTimeMs, kMaxTimeMs);
  ASSERT_TRUE(querier.ok());
  std::thread mover([&] { EXPECT_TRUE(db_->MoveEndedSeries(1).ok()); });
  while (db_->Blocks().empty()) std::this_thread::yield();
  auto set = (*querier)->Select(true, {.min_ms = kMinTimeMs, .max_ms = kMaxTimeMs}, {}, nullptr);
  ASSERT_TRUE(set.ok());
  ASSERT_EQ((*set)->size(), 20u);
  for (size_t i = 0; i < (*set)->size(); i++) {
    Labels labels;
    SampleColumns samples;
    (*set)->LabelsOf(i, &labels);
    ASSERT_TRUE((*set)->Read(i, kMinTimeMs, kMaxTimeMs, &samples).ok());
    EXPECT_EQ(samples.times.size(), model_.at(labels).size());
  }
  set->reset();
  querier->reset();
  mover.join();
  EXPECT_EQ(db_->head()->num_series(), 10u);
  ExpectModel(db_.get(), model_, "moved");
}

TEST_F(EndedSeriesTest, ASnapshotHasThem) {
  Open();
  Fill();
  Move();
  const auto name = db_->Snapshot(false);
  ASSERT_TRUE(name.ok()) << name.status().ToString();
  DbOptions options;
  options.clock = &clock_;
  db_ = OpenDb(dir_.Path("snapshots/" + *name), options);
  ExpectModel(db_.get(), model_, "snapshot");
}

}  // namespace
}  // namespace deucalion::tsdb

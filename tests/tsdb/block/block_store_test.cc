#include "tsdb/block/block_store.h"

#include <gtest/gtest.h>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"
#include "tests/tsdb/block/block_fixture.h"
#include "tsdb/block/merged_querier.h"
#include "tsdb/compact/compactor.h"
#include "tsdb/compact/planner.h"

namespace deucalion::tsdb {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kMin = 1'700'006'400'000;

std::string Ulid(int n) {
  std::string ulid = "01ARZ3NDEKTSV4RRFFQ69G5FA0";
  ulid.back() = static_cast<char>('0' + n);
  return ulid;
}

// A database of blocks only, opened and reopened.
struct Store {
  Store(FileSystem* fs, const std::string& root) : fs(fs), root(root) {}
  Status Open() {
    store.reset();
    catalog.reset();
    bool fresh = false;
    ASSIGN_OR_RETURN(catalog, Catalog::OpenOrRebuild(fs, JoinPath(root, "deucalion/catalog"),
                                                     Logger::Null(), &fresh));
    ASSIGN_OR_RETURN(store, BlockStore::Open({.fs = fs,
                                              .root = root,
                                              .blocks_dir = JoinPath(root, "deucalion/blocks"),
                                              .log = Logger::Null()},
                                             catalog.get(), fresh));
    return OkStatus();
  }
  // Writes `series` as block n of two hours and commits it. A ULID is never tried twice.
  Status Cut(int n, const SeriesMap& series) {
    BlockMeta meta;
    meta.ulid = NewUlid(n);
    meta.min_ms = kMin + n * 2 * kHour;
    meta.max_ms = meta.min_ms + 2 * kHour;
    meta.sources = {meta.ulid};
    const std::string dir = store->CreationDir(meta.ulid);
    RETURN_IF_ERROR(fs->RemoveAll(dir));
    ASSIGN_OR_RETURN(auto writer, BlockWriter::Create(fs, dir, meta, {}));
    for (const auto& [labels, samples] : series) {
      RETURN_IF_ERROR(writer->Add(labels, Within(samples, meta.min_ms, meta.max_ms - 1)));
    }
    ASSIGN_OR_RETURN(meta, writer->Finish());
    CatalogBatch extra;
    extra.Put(Keyspace::kCheckpoint, "cut", std::to_string(n));
    return store->Commit({meta}, {}, extra);
  }
  // Merges everything into one block.
  Status Compact(const std::string& ulid) {
    const auto list = store->List();
    std::vector<BlockMeta> parents;
    std::vector<RemovedBlock> removed;
    for (const auto& b : *list) {
      parents.push_back(b->meta());
      removed.push_back({b->meta().ulid, b->tombstones()});
    }
    ASSIGN_OR_RETURN(
        const BlockMeta meta,
        MergeBlocks(*list, MergedMeta(parents, ulid), {.fs = fs, .dir = store->CreationDir(ulid)}));
    return store->Commit({meta}, removed, {});
  }
  SeriesMap ReadAll() {
    MergedQuerier querier(nullptr, INT64_MAX, *store->List(), INT64_MIN, INT64_MAX);
    auto set = querier.Select(true, {}, {}, nullptr);
    EXPECT_TRUE(set.ok()) << set.status().ToString();
    SeriesMap all;
    for (size_t i = 0; set.ok() && i < (*set)->size(); ++i) {
      Labels labels;
      (*set)->LabelsOf(i, &labels);
      EXPECT_TRUE((*set)->Read(i, INT64_MIN, INT64_MAX, &all[labels]).ok());
    }
    return all;
  }
  FileSystem* fs;
  std::string root;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<BlockStore> store;
};

bool Same(const SeriesMap& a, const SeriesMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && SameSamples(x.second, y.second);
  });
}

// What of every series lies in blocks 0 … n-1.
SeriesMap Until(const SeriesMap& series, int n) {
  SeriesMap all;
  for (const auto& [labels, samples] : series) {
    SampleColumns cut = Within(samples, kMin, kMin + n * 2 * kHour - 1);
    if (!cut.times.empty() || !cut.histograms.empty()) all[labels] = cut;
  }
  return all;
}

TEST(BlockStoreTest, CutsCompactsAndReopens) {
  TempDir dir;
  const SeriesMap series = RandomSeries(1, 80, kMin, kMin + 6 * kHour, 60'000);
  Store db(FileSystem::Posix(), dir.path());
  ASSERT_TRUE(db.Open().ok());
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(db.Cut(n, series).ok());
  EXPECT_TRUE(Same(db.ReadAll(), series));
  ASSERT_TRUE(db.Open().ok());
  EXPECT_EQ(db.store->List()->size(), 3u);
  const Status compacted = db.Compact(Ulid(9));
  ASSERT_TRUE(compacted.ok()) << compacted.ToString();
  EXPECT_EQ(db.store->List()->size(), 1u);
  EXPECT_TRUE(Same(db.ReadAll(), series));
  ASSERT_TRUE(db.Open().ok());
  EXPECT_EQ(db.store->List()->size(), 1u);
  EXPECT_TRUE(Same(db.ReadAll(), series));
  EXPECT_EQ(*FileSystem::Posix()->List(dir.Path("deucalion/blocks")),
            std::vector<std::string>{Ulid(9)});
}

TEST(BlockStoreTest, OverlappingBlocksMergeEachTimestampOnce) {
  TempDir dir;
  const SeriesMap series = RandomSeries(2, 40, kMin, kMin + 2 * kHour, 60'000);
  SeriesMap odd, even;
  for (const auto& [labels, samples] : series) {
    for (size_t i = 0; i < samples.times.size(); ++i) {
      for (SeriesMap* half : {&odd, &even}) {
        // Every tenth sample is in both.
        if (i % 10 != 0 && (half == &odd) != (i % 2 == 1)) continue;
        (*half)[labels].times.push_back(samples.times[i]);
        (*half)[labels].values.push_back(samples.values[i]);
      }
    }
    if (!samples.histograms.empty()) odd[labels].histograms = samples.histograms;
  }
  Store db(FileSystem::Posix(), dir.path());
  ASSERT_TRUE(db.Open().ok());
  ASSERT_TRUE(db.Cut(0, odd).ok());
  BlockMeta meta;
  meta.ulid = Ulid(5);
  meta.min_ms = kMin;
  meta.max_ms = kMin + 2 * kHour;
  auto writer = BlockWriter::Create(db.fs, db.store->CreationDir(meta.ulid), meta, {});
  ASSERT_TRUE(writer.ok());
  for (const auto& [labels, samples] : even) ASSERT_TRUE((*writer)->Add(labels, samples).ok());
  const auto finished = (*writer)->Finish();
  ASSERT_TRUE(finished.ok());
  ASSERT_TRUE(db.store->Commit({*finished}, {}, {}).ok());
  EXPECT_TRUE(Same(db.ReadAll(), series));
  ASSERT_TRUE(db.Compact(Ulid(9)).ok());
  EXPECT_TRUE(Same(db.ReadAll(), series));
}

TEST(BlockStoreTest, ACrashAtAnyStepLosesNothingAndDoublesNothing) {
  const SeriesMap series = RandomSeries(3, 12, kMin, kMin + 4 * kHour, 300'000);
  // Two cuts and their merge, crashed at each step in turn.
  for (uint64_t step = 1;; ++step) {
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    int cuts = 0;
    bool fired = false;
    {
      Store db(&fs, dir.path());
      ASSERT_TRUE(db.Open().ok());
      fs.SetPlan({.fail_at = step, .tear = step % 2 == 0, .crash = true});
      for (; cuts < 2 && db.Cut(cuts, series).ok(); ++cuts) {
      }
      if (cuts == 2) (void)db.Compact(Ulid(9));
      fired = fs.fired();
    }
    fs.Clear();
    ASSERT_TRUE(fs.DropUnsynced().ok());
    Store db(FileSystem::Posix(), dir.path());
    const Status opened = db.Open();
    ASSERT_TRUE(opened.ok()) << "step " << step << ": " << opened.ToString();
    EXPECT_EQ(db.store->findings().missing, 0u) << "step " << step;
    EXPECT_EQ(db.store->findings().unreadable, 0u) << "step " << step;
    const SeriesMap got = db.ReadAll();
    // A cut that was not acknowledged may be there or not.
    EXPECT_TRUE(Same(got, Until(series, cuts)) || Same(got, Until(series, cuts + 1)))
        << "step " << step << " after " << cuts << " cuts";
    const auto cut = db.catalog->Get(Keyspace::kCheckpoint, "cut");
    if (cut.ok()) {
      EXPECT_TRUE(Same(got, Until(series, std::stoi(*cut) + 1))) << "step " << step;
    }
    const auto names = FileSystem::Posix()->List(dir.Path("deucalion/blocks"));
    ASSERT_TRUE(names.ok());
    for (const auto& name : *names) {
      EXPECT_TRUE(IsUlid(name)) << name;
    }
    if (!fired) break;
    ASSERT_LT(step, 1000u);
  }
}

TEST(BlockStoreTest, AFailedStepLeavesTheOldStateAndTheNextTryWorks) {
  const SeriesMap series = RandomSeries(4, 12, kMin, kMin + 4 * kHour, 300'000);
  for (uint64_t step = 1;; ++step) {
    TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    Store db(&fs, dir.path());
    ASSERT_TRUE(db.Open().ok());
    ASSERT_TRUE(db.Cut(0, series).ok());
    fs.SetPlan({.fail_at = step, .error_number = ENOSPC});
    const Status status = db.Cut(1, series);
    const bool fired = fs.fired();
    fs.Clear();
    EXPECT_TRUE(Same(db.ReadAll(), Until(series, status.ok() ? 2 : 1))) << "step " << step;
    if (!status.ok()) {
      const Status again = db.Cut(1, series);
      EXPECT_TRUE(again.ok()) << "step " << step << ": " << again.ToString();
    }
    EXPECT_TRUE(Same(db.ReadAll(), Until(series, 2))) << "step " << step;
    ASSERT_TRUE(db.Open().ok());
    EXPECT_TRUE(Same(db.ReadAll(), Until(series, 2))) << "step " << step;
    if (!fired) break;
    ASSERT_LT(step, 1000u);
  }
}

TEST(BlockStoreTest, ALostCatalogueIsRebuiltFromTheBlocks) {
  TempDir dir;
  const SeriesMap series = RandomSeries(5, 30, kMin, kMin + 4 * kHour, 60'000);
  FileSystem* fs = FileSystem::Posix();
  Store db(fs, dir.path());
  ASSERT_TRUE(db.Open().ok());
  ASSERT_TRUE(db.Cut(0, series).ok());
  ASSERT_TRUE(db.Cut(1, series).ok());
  const std::string parent = (*db.store->List())[0]->meta().ulid;
  // A parent that was not yet unlinked when the catalogue was lost must not come back.
  const std::string blocks = dir.Path("deucalion/blocks");
  ASSERT_TRUE(fs->CreateDirs(dir.Path("keep/chunks")).ok());
  for (const std::string name : {"meta.json", "index", "chunks/000001"}) {
    ASSERT_TRUE(fs->HardLink(JoinPath(blocks, parent) + "/" + name, dir.Path("keep/" + name)).ok());
  }
  ASSERT_TRUE(db.Compact(Ulid(9)).ok());
  db.store.reset();
  db.catalog.reset();
  ASSERT_TRUE(fs->Rename(dir.Path("keep"), JoinPath(blocks, parent)).ok());
  ASSERT_TRUE(fs->RemoveAll(dir.Path("deucalion/catalog")).ok());
  ASSERT_TRUE(db.Open().ok());
  EXPECT_EQ(db.store->List()->size(), 1u);
  EXPECT_TRUE(Same(db.ReadAll(), series));
  EXPECT_FALSE(fs->Exists(JoinPath(blocks, parent)));
}

TEST(BlockStoreTest, ForeignBlocksAreAdoptedAndMissingOnesReported) {
  TempDir dir, other;
  const SeriesMap series = RandomSeries(6, 20, kMin, kMin + 2 * kHour, 60'000);
  FileSystem* fs = FileSystem::Posix();
  Store db(fs, dir.path());
  ASSERT_TRUE(db.Open().ok());
  ASSERT_TRUE(
      WriteBlock(fs, dir.Path("01ARZ3NDEKTSV4RRFFQ69G5FAV"), series, kMin, kMin + 2 * kHour).ok());
  EXPECT_EQ(*db.store->AdoptForeign(), 1u);
  EXPECT_EQ(*db.store->AdoptForeign(), 0u);
  EXPECT_TRUE(Same(db.ReadAll(), series));
  ASSERT_TRUE(db.Open().ok());
  EXPECT_TRUE(Same(db.ReadAll(), series));
  ASSERT_TRUE(fs->RemoveAll(dir.Path("01ARZ3NDEKTSV4RRFFQ69G5FAV")).ok());
  ASSERT_TRUE(db.Open().ok());
  EXPECT_EQ(db.store->findings().missing, 1u);
  EXPECT_TRUE(db.ReadAll().empty());
}

TEST(BlockStoreTest, DeletionsSurviveReopeningAndStopAStaleCompaction) {
  TempDir dir;
  const SeriesMap series = RandomSeries(7, 20, kMin, kMin + 2 * kHour, 60'000);
  Store db(FileSystem::Posix(), dir.path());
  ASSERT_TRUE(db.Open().ok());
  ASSERT_TRUE(db.Cut(0, series).ok());
  const std::string ulid = (*db.store->List())[0]->meta().ulid;
  const auto applied = (*db.store->List())[0]->tombstones();
  Tombstones deleted;
  deleted.Add(0, {kMin, kMin + 2 * kHour});
  ASSERT_TRUE(db.store->SetTombstones({{ulid, deleted}}).ok());
  SeriesMap want = series;
  want.begin()->second = {};
  EXPECT_TRUE(Same(db.ReadAll(), want));
  EXPECT_EQ(db.store->Commit({}, {{ulid, applied}}, {}).code(), StatusCode::kUnavailable);
  ASSERT_TRUE(db.Open().ok());
  EXPECT_TRUE(Same(db.ReadAll(), want));
  ASSERT_TRUE(db.Compact(Ulid(9)).ok());
  want.erase(want.begin());
  EXPECT_TRUE(Same(db.ReadAll(), want));
}

}  // namespace
}  // namespace deucalion::tsdb

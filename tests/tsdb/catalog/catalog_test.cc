#include "tsdb/catalog/catalog.h"

#include <gtest/gtest.h>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"

namespace deucalion::tsdb {
namespace {

std::unique_ptr<Catalog> MustOpen(FileSystem* fs, const std::string& dir) {
  auto catalog = Catalog::Open(fs, dir, Logger::Null());
  EXPECT_TRUE(catalog.ok()) << catalog.status().ToString();
  return std::move(*catalog);
}

std::string Keys(Catalog& catalog, Keyspace space, std::string_view from = "") {
  std::string all;
  EXPECT_TRUE(catalog
                  .Scan(space, from,
                        [&](std::string_view k, std::string_view v) {
                          all += std::string(k) + "=" + std::string(v) + " ";
                          return true;
                        })
                  .ok());
  return all;
}

void CheckKeyspaces(Catalog& catalog) {
  CatalogBatch batch;
  batch.Put(Keyspace::kBlocks, "a", "1");
  batch.Put(Keyspace::kBlocks, "b", "2");
  batch.Put(Keyspace::kTombstones, "a", "t");
  ASSERT_TRUE(catalog.Write(batch, true).ok());
  EXPECT_EQ(Keys(catalog, Keyspace::kBlocks), "a=1 b=2 ");
  EXPECT_EQ(Keys(catalog, Keyspace::kBlocks, "b"), "b=2 ");
  EXPECT_EQ(Keys(catalog, Keyspace::kTombstones), "a=t ");
  batch.Clear();
  batch.Delete(Keyspace::kBlocks, "a");
  ASSERT_TRUE(catalog.Write(batch, true).ok());
  EXPECT_EQ(catalog.Get(Keyspace::kBlocks, "a").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(*catalog.Get(Keyspace::kBlocks, "b"), "2");
}

TEST(CatalogTest, KeyspacesAreApart) {
  TempDir dir;
  CheckKeyspaces(*MustOpen(FileSystem::Posix(), dir.Path("catalog")));
  CheckKeyspaces(*Catalog::InMemory());
}

TEST(CatalogTest, ServesAsStateStore) {
  const auto catalog = Catalog::InMemory();
  StateStore& state = *catalog;
  ASSERT_TRUE(state.Put("rules", "x", "firing").ok());
  EXPECT_EQ(*state.Get("rules", "x"), "firing");
  EXPECT_FALSE(state.Get("cursors", "x").ok());
  EXPECT_FALSE(state.Put("nonsense", "x", "y").ok());
  ASSERT_TRUE(state.Delete("rules", "x").ok());
  EXPECT_FALSE(state.Get("rules", "x").ok());
}

TEST(CatalogTest, SyncedBatchesSurviveReopening) {
  TempDir dir;
  for (int round = 0; round < 3; ++round) {
    const auto catalog = MustOpen(FileSystem::Posix(), dir.Path("catalog"));
    for (int i = 0; i < round; ++i) {
      EXPECT_TRUE(catalog->Get(Keyspace::kBlocks, std::to_string(i)).ok());
    }
    CatalogBatch batch;
    batch.Put(Keyspace::kBlocks, std::to_string(round), "x");
    ASSERT_TRUE(catalog->Write(batch, true).ok());
  }
}

TEST(CatalogTest, SyncedBatchesSurviveACrashAtEveryStep) {
  TempDir dir;
  uint64_t steps = 0;
  for (uint64_t step = 1; step == 1 || step <= steps; ++step) {
    const std::string path = dir.Path("c" + std::to_string(step));
    FaultFileSystem fs(FileSystem::Posix());
    int acknowledged = 0;
    fs.SetPlan({.fail_at = step, .tear = true, .crash = true});
    {
      auto catalog = Catalog::Open(&fs, path, Logger::Null());
      for (int i = 0; catalog.ok() && i < 5; ++i) {
        CatalogBatch batch;
        batch.Put(Keyspace::kBlocks, std::to_string(i), "x");
        batch.Put(Keyspace::kCheckpoint, "newest", std::to_string(i));
        if (!(*catalog)->Write(batch, true).ok()) break;
        acknowledged = i + 1;
      }
    }
    if (step == 1) {
      FaultFileSystem counter(FileSystem::Posix());
      const auto catalog = MustOpen(&counter, dir.Path("count"));
      for (int i = 0; i < 5; ++i) {
        CatalogBatch batch;
        batch.Put(Keyspace::kBlocks, std::to_string(i), "x");
        ASSERT_TRUE(catalog->Write(batch, true).ok());
      }
      steps = counter.steps();
    }
    fs.Clear();
    ASSERT_TRUE(fs.DropUnsynced().ok());
    bool fresh = false;
    const auto again = Catalog::OpenOrRebuild(FileSystem::Posix(), path, Logger::Null(), &fresh);
    ASSERT_TRUE(again.ok()) << "step " << step << ": " << again.status().ToString();
    for (int i = 0; i < acknowledged; ++i) {
      EXPECT_TRUE((*again)->Get(Keyspace::kBlocks, std::to_string(i)).ok())
          << "step " << step << " lost " << i << " of " << acknowledged;
    }
    // Both halves of a batch, or neither.
    const auto newest = (*again)->Get(Keyspace::kCheckpoint, "newest");
    if (newest.ok()) {
      EXPECT_TRUE((*again)->Get(Keyspace::kBlocks, *newest).ok());
    }
  }
  EXPECT_GT(steps, 10u);
}

TEST(CatalogTest, ADamagedOneIsMovedAside) {
  TempDir dir;
  const std::string path = dir.Path("catalog");
  {
    const auto catalog = MustOpen(FileSystem::Posix(), path);
    CheckKeyspaces(*catalog);
  }
  auto file = FileSystem::Posix()->Create(JoinPath(path, "CURRENT"));
  ASSERT_TRUE((*file)->Append("nonsense").ok() && (*file)->Close().ok());
  bool fresh = false;
  auto catalog = Catalog::OpenOrRebuild(FileSystem::Posix(), path, Logger::Null(), &fresh);
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  EXPECT_TRUE(fresh);
  EXPECT_TRUE(FileSystem::Posix()->Exists(path + ".damaged-1"));
}

TEST(CatalogTest, StaysWithinItsMemory) {
  TempDir dir;
  const auto catalog = MustOpen(FileSystem::Posix(), dir.Path("catalog"));
  for (int i = 0; i < 200; ++i) {
    CatalogBatch batch;
    for (int k = 0; k < 500; ++k) {
      batch.Put(Keyspace::kSeries, std::to_string(i * 500 + k), std::string(250, 'x'));
    }
    ASSERT_TRUE(catalog->Write(batch, false).ok());
  }
  EXPECT_LE(catalog->MemoryBytes(), uint64_t{32} << 20);
}

}  // namespace
}  // namespace deucalion::tsdb

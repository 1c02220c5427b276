#include "tsdb/head/sealed_chunks.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace deucalion::tsdb {
namespace {

TEST(SealedChunksTest, AFileThatIsDoneKeepsOnlyWhatItUses) {
  TempDir dir;
  FileSystem* fs = FileSystem::Posix();
  auto store = SealedChunks::Open(fs, dir.path(), 0, 1 << 20);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  std::vector<ChunkLocation> locations;
  const std::string bytes(300, 'x');
  for (int i = 0; i < 50; i++) {
    const auto location = (*store)->Append({.count = 7, .bytes = bytes});
    ASSERT_TRUE(location.ok());
    locations.push_back(*location);
  }
  const std::string path = dir.Path("00000001.chunks");
  EXPECT_EQ(fs->Stat(path)->size_bytes, 1u << 20);
  ASSERT_TRUE((*store)->SyncAndRoll().ok());
  EXPECT_EQ(fs->Stat(path)->size_bytes, 16'384u);
  for (const ChunkLocation location : locations) {
    const auto chunk = (*store)->Read(location);
    ASSERT_TRUE(chunk.ok()) << chunk.status().ToString();
    EXPECT_EQ(chunk->bytes, bytes);
  }
  const auto next = (*store)->Append({.count = 7, .bytes = bytes});
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(SealedChunks::FileOf(*next), 2u);
  // As a start that finds a checkpoint behind the first file.
  const auto again = SealedChunks::Open(fs, dir.path(), 2, 1 << 20);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->Read(locations.back())->bytes, bytes);
}

TEST(SealedChunksTest, MappedAnewEveryChunkIsStillThere) {
  TempDir dir;
  auto store = SealedChunks::Open(FileSystem::Posix(), dir.path(), 0, 4096);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  std::vector<ChunkLocation> locations;
  const auto bytes_of = [](size_t i) { return std::string(300, static_cast<char>('a' + i % 26)); };
  const auto add = [&](size_t n) {
    for (size_t i = 0; i < n; i++) {
      const std::string bytes = bytes_of(locations.size());
      const auto location = (*store)->Append({.count = 7, .bytes = bytes});
      ASSERT_TRUE(location.ok());
      locations.push_back(*location);
    }
  };
  const auto expect_all = [&] {
    for (size_t i = 0; i < locations.size(); i++) {
      const auto chunk = (*store)->Read(locations[i]);
      ASSERT_TRUE(chunk.ok()) << chunk.status().ToString();
      EXPECT_EQ(chunk->bytes, bytes_of(i));
    }
  };
  add(30);
  const auto before = (*store)->Read(locations[3]);
  ASSERT_TRUE(before.ok());
  auto old_maps = (*store)->MapAnew();
  EXPECT_GT(old_maps.size(), 1u);
  EXPECT_EQ(before->bytes, bytes_of(3)) << "a reader goes on in the old mapping";
  expect_all();
  old_maps.clear();
  add(30);
  expect_all();
  // A file that was truncated after its last chunk.
  ASSERT_TRUE((*store)->SyncAndRoll().ok());
  old_maps = (*store)->MapAnew();
  old_maps.clear();
  add(5);
  expect_all();
}

}  // namespace
}  // namespace deucalion::tsdb

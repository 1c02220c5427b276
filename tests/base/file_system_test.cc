#include "base/file_system.h"

#include <gtest/gtest.h>

#include "base/fault_file_system.h"
#include "tests/support/temp_dir.h"

namespace deucalion {
namespace {

FileSystem* fs() { return FileSystem::Posix(); }

TEST(FileSystemTest, AppendsSurviveReopening) {
  TempDir dir;
  {
    auto file = fs()->Create(dir.Path("a"));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Append("one").ok());
    ASSERT_TRUE((*file)->Close().ok());
  }
  auto file = fs()->OpenAppend(dir.Path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size_bytes(), 3u);
  ASSERT_TRUE((*file)->Append("two").ok());
  EXPECT_EQ(*fs()->ReadFile(dir.Path("a")), "onetwo");
}

TEST(FileSystemTest, MapRefusesAFileOfAnotherSizeThanWanted) {
  TempDir dir;
  ASSERT_TRUE(fs()->WriteFileAtomically(dir.Path("a"), "12345").ok());
  const auto bad = fs()->Map(dir.Path("a"), 6);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(bad.status().message().find("got 5, want 6"), std::string::npos);
  EXPECT_EQ((*fs()->Map(dir.Path("a"), 5))->bytes(), "12345");
}

TEST(FileSystemTest, RandomFilesReadWhatWasWrittenAtAnOffset) {
  TempDir dir;
  auto file = fs()->OpenRandom(dir.Path("r"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Allocate(100).ok());
  ASSERT_TRUE((*file)->WriteAt(40, "xyz").ok());
  EXPECT_EQ(*(*file)->ReadAt(40, 3), "xyz");
  EXPECT_EQ((*file)->ReadAt(98, 10)->size(), 2u);
}

TEST(FileSystemTest, ASecondLockOfOneFileIsRefused) {
  TempDir dir;
  auto first = fs()->Lock(dir.Path("lock"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(fs()->Lock(dir.Path("lock")).status().code(), StatusCode::kUnavailable);
  first = NotFoundError("released");
  EXPECT_TRUE(fs()->Lock(dir.Path("lock")).ok());
}

TEST(FileSystemTest, RemoveAllTakesTreesAndForgivesWhatIsMissing) {
  TempDir dir;
  ASSERT_TRUE(fs()->CreateDirs(dir.Path("a/b/c")).ok());
  ASSERT_TRUE(fs()->WriteFileAtomically(dir.Path("a/b/f"), "x").ok());
  EXPECT_EQ(*fs()->TreeSize(dir.Path("a")), 1u);
  EXPECT_TRUE(fs()->RemoveAll(dir.Path("a")).ok());
  EXPECT_FALSE(fs()->Exists(dir.Path("a")));
  EXPECT_TRUE(fs()->RemoveAll(dir.Path("a")).ok());
}

TEST(FileSystemTest, PathsAreJoinedAndSplit) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(DirName("a/b"), "a");
  EXPECT_EQ(DirName("/b"), "/");
  EXPECT_EQ(DirName("b"), ".");
  EXPECT_EQ(BaseName("a/b"), "b");
}

TEST(FaultFileSystemTest, FailsTheNthStepAndTearsIt) {
  TempDir dir;
  FaultFileSystem faulty(fs());
  faulty.SetPlan({.fail_at = 3, .error_number = ENOSPC, .tear = true});
  auto file = faulty.Create(dir.Path("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("full").ok());
  const Status torn = (*file)->Append("torn");
  EXPECT_EQ(torn.code(), StatusCode::kNoSpace);
  EXPECT_TRUE(faulty.fired());
  EXPECT_EQ(*fs()->ReadFile(dir.Path("a")), "fullto");
  EXPECT_TRUE((*file)->Append("!").ok());  // not a crash: later steps work
}

TEST(FaultFileSystemTest, AfterACrashEveryStepFails) {
  TempDir dir;
  FaultFileSystem faulty(fs());
  faulty.SetPlan({.fail_at = 2, .crash = true});
  auto file = faulty.Create(dir.Path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE((*file)->Append("x").ok());
  EXPECT_FALSE((*file)->Append("y").ok());
  EXPECT_FALSE(faulty.Create(dir.Path("b")).ok());
}

TEST(FaultFileSystemTest, DropUnsyncedKeepsOnlyWhatWasSynced) {
  TempDir dir;
  FaultFileSystem faulty(fs());
  auto file = faulty.Create(dir.Path("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("kept").ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE(faulty.SyncDir(dir.path()).ok());
  ASSERT_TRUE((*file)->Append("lost").ok());
  ASSERT_TRUE(faulty.Create(dir.Path("unlisted")).ok());
  ASSERT_TRUE(faulty.DropUnsynced().ok());
  EXPECT_EQ(*fs()->ReadFile(dir.Path("a")), "kept");
  EXPECT_FALSE(fs()->Exists(dir.Path("unlisted")));
}

TEST(FaultFileSystemTest, ARenameIsUndoneUnlessItsDirectoryWasSynced) {
  TempDir dir;
  ASSERT_TRUE(fs()->WriteFileAtomically(dir.Path("a"), "x").ok());
  FaultFileSystem faulty(fs());
  ASSERT_TRUE(faulty.Rename(dir.Path("a"), dir.Path("b")).ok());
  ASSERT_TRUE(faulty.DropUnsynced().ok());
  EXPECT_TRUE(fs()->Exists(dir.Path("a")));
  ASSERT_TRUE(faulty.Rename(dir.Path("a"), dir.Path("b")).ok());
  ASSERT_TRUE(faulty.SyncDir(dir.path()).ok());
  ASSERT_TRUE(faulty.DropUnsynced().ok());
  EXPECT_TRUE(fs()->Exists(dir.Path("b")));
}

}  // namespace
}  // namespace deucalion

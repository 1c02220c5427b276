#include "base/shared_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "base/file_system.h"
#include "tests/support/temp_dir.h"

namespace deucalion {
namespace {

TEST(SharedMapTest, WhatIsStoredIsInTheFileAndThereAgain) {
  TempDir dir;
  const std::string path = JoinPath(dir.path(), "map");
  {
    auto map = SharedMap::Open(path, 100);
    ASSERT_TRUE(map.ok()) << map.status().message();
    ASSERT_EQ((*map)->bytes().size(), 100u);
    EXPECT_EQ((*map)->bytes()[99], '\0');
    std::ranges::copy(std::string_view("abc"), (*map)->bytes().begin() + 97);
    // Before the mapping has gone.
    EXPECT_TRUE(FileSystem::Posix()->ReadFile(path)->ends_with("abc"));
  }
  auto again = SharedMap::Open(path, 100);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->bytes()[97], 'a');
}

TEST(SharedMapTest, AFileThatCannotBeMadeIsAnError) {
  TempDir dir;
  EXPECT_FALSE(SharedMap::Open(JoinPath(dir.path(), "no/such/dir"), 100).ok());
  EXPECT_FALSE(SharedMap::Open(dir.path(), 100).ok());
}

}  // namespace
}  // namespace deucalion

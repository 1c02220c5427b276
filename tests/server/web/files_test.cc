#include "server/web/files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace deucalion::web {
namespace {

http::Response Serve(const std::string& dir, std::string_view path) {
  http::Response response;
  ServeFile(FileSystem::Posix(), dir, path, &response);
  return response;
}

TEST(ServeFileTest, ServesFilesAndIndexesWithTheirTypes) {
  const TempDir temp;
  const std::string dir = temp.path() + "/assets";
  std::filesystem::create_directories(dir + "/sub");
  std::ofstream(dir + "/a.css") << "body {}";
  std::ofstream(dir + "/sub/index.html") << "<p>";
  const auto css = Serve(dir, "/a.css");
  EXPECT_EQ(css.status, 200);
  EXPECT_EQ(css.body, "body {}");
  EXPECT_EQ(css.headers.Get("Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(Serve(dir, "/sub/").body, "<p>");
  EXPECT_EQ(Serve(dir, "/").status, 404);
}

TEST(ServeFileTest, NeverLeavesTheDirectory) {
  const TempDir temp;
  const std::string dir = temp.path() + "/assets";
  std::filesystem::create_directories(dir);
  std::ofstream(temp.path() + "/secret") << "x";
  for (const std::string path : {std::string("/../secret"), std::string("/a/../../secret"),
                                 std::string("/.."), std::string("/\0x", 3)}) {
    EXPECT_EQ(Serve(dir, path).status, 404) << path;
  }
}

}  // namespace
}  // namespace deucalion::web

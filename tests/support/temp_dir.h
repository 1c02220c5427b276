// A directory of its own for one test, removed with everything in it at the end.
#ifndef DEUCALION_TESTS_SUPPORT_TEMP_DIR_H_
#define DEUCALION_TESTS_SUPPORT_TEMP_DIR_H_

#include <cstdlib>
#include <string>

#include "base/check.h"
#include "base/file_system.h"

namespace deucalion {

class TempDir {
 public:
  TempDir() {
    // Made before a static TempDir is, it is still there when that ends.
    (void)FileSystem::Posix();
    const char* base = std::getenv("TMPDIR");
    std::string pattern = JoinPath(base != nullptr ? base : "/tmp", "deucalion-XXXXXX");
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() { (void)FileSystem::Posix()->RemoveAll(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(std::string_view name) const { return JoinPath(path_, name); }

 private:
  std::string path_;
};

}  // namespace deucalion

#endif  // DEUCALION_TESTS_SUPPORT_TEMP_DIR_H_

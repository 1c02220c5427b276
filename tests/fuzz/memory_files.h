// Files in memory for targets whose reader maps them: read-only, everything else fails.
#ifndef DEUCALION_TESTS_FUZZ_MEMORY_FILES_H_
#define DEUCALION_TESTS_FUZZ_MEMORY_FILES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace deucalion {

class MemoryFiles : public FileSystem {
 public:
  // Paths are "<dir>/<name>".
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  Result<std::string> ReadFile(const std::string& path) override {
    const auto it = files_.find(path);
    if (it == files_.end()) return NotFoundError(path);
    return it->second;
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path, uint64_t want_size) override {
    const auto it = files_.find(path);
    if (it == files_.end()) return NotFoundError(path);
    if (want_size != 0 && want_size != it->second.size()) return CorruptError(path + ": size");
    return std::unique_ptr<MappedFile>(std::make_unique<Copy>(it->second));
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    std::vector<std::string> names;
    for (const auto& [path, bytes] : files_) {
      if (DirName(path) == dir) names.push_back(BaseName(path));
    }
    return names;
  }
  Result<FileInfo> Stat(const std::string& path) override {
    const auto it = files_.find(path);
    if (it != files_.end()) return FileInfo{.size_bytes = it->second.size()};
    if (List(path)->empty()) return NotFoundError(path);
    return FileInfo{.is_directory = true};
  }

  Result<std::unique_ptr<AppendFile>> Create(const std::string&) override { return Refuse(); }
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string&) override { return Refuse(); }
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string&) override { return Refuse(); }
  Status CreateDirs(const std::string&) override { return Refuse(); }
  Status Remove(const std::string&) override { return Refuse(); }
  Status RemoveAll(const std::string&) override { return Refuse(); }
  Status Rename(const std::string&, const std::string&) override { return Refuse(); }
  Status HardLink(const std::string&, const std::string&) override { return Refuse(); }
  Status Truncate(const std::string&, uint64_t) override { return Refuse(); }
  Status SyncDir(const std::string&) override { return Refuse(); }
  Result<DiskSpace> Space(const std::string&) override { return Refuse(); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string&) override { return Refuse(); }

 private:
  // An exact heap copy, so that a sanitizer sees reads past the end.
  class Copy : public MappedFile {
   public:
    explicit Copy(const std::string& bytes) : copy_(bytes.begin(), bytes.end()) {
      bytes_ = {copy_.data(), copy_.size()};
    }

   private:
    std::vector<char> copy_;
  };
  static Status Refuse() { return UnimplementedError("files in memory are read-only"); }

  const std::map<std::string, std::string> files_;
};

}  // namespace deucalion

#endif  // DEUCALION_TESTS_FUZZ_MEMORY_FILES_H_

// FileSystem: every byte that reaches or leaves the disk goes through it, so that tests can fail
// the n-th call, tear a write or drop what was not synced (base/fault_file_system.h).
//
// All implementations are thread-safe; a file object is thread-compatible. Errors carry the path.
// Paths are plain strings with '/'.
#ifndef DEUCALION_BASE_FILE_SYSTEM_H_
#define DEUCALION_BASE_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion {

// Appends to one file. After a failed call the file is in an unknown state: give it up.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // Has been handed to the operating system when it returns (survives kill -9, not a power cut).
  virtual Status Append(std::string_view bytes) = 0;
  // fdatasync.
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
  virtual uint64_t size_bytes() const = 0;
};

// Reads and writes at offsets: head segments.
class RandomFile {
 public:
  virtual ~RandomFile() = default;
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;
  // Up to `n` bytes; fewer only at the end of the file.
  virtual Result<std::string> ReadAt(uint64_t offset, size_t n) const = 0;
  // Reserves disk space and extends the file with zeros to at least `size`.
  virtual Status Allocate(uint64_t size) = 0;
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
};

// A file mapped read-only for as long as the object lives. The file must not shrink meanwhile.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  std::string_view bytes() const { return bytes_; }

 protected:
  std::string_view bytes_;
};

// Holds an advisory lock until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  uint64_t size_bytes = 0;
  int64_t mtime_ms = 0;
  bool is_directory = false;
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Creates, or truncates what is there.
  virtual Result<std::unique_ptr<AppendFile>> Create(const std::string& path) = 0;
  // Appends to what is there, or creates.
  virtual Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) = 0;
  // Read and write, created when missing.
  virtual Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path) = 0;
  virtual Result<std::string> ReadFile(const std::string& path) = 0;
  // An empty file maps to empty bytes. `want_size` != 0: another size is an error before mapping.
  virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path,
                                                  uint64_t want_size = 0) = 0;

  // Names in the directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  bool Exists(const std::string& path) { return Stat(path).ok(); }
  // With parents; fine if it is there.
  virtual Status CreateDirs(const std::string& dir) = 0;
  // A file or an empty directory.
  virtual Status Remove(const std::string& path) = 0;
  // A whole tree; fine if it is not there.
  virtual Status RemoveAll(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status HardLink(const std::string& from, const std::string& to) = 0;
  virtual Status Truncate(const std::string& path, uint64_t size) = 0;
  // Makes names created, renamed or removed in `dir` durable.
  virtual Status SyncDir(const std::string& dir) = 0;
  virtual Result<DiskSpace> Space(const std::string& path) = 0;
  // kUnavailable when another process holds it. Creates the file.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  // Writes `bytes` to `path`.tmp, syncs, renames, syncs the directory: all or nothing.
  Status WriteFileAtomically(const std::string& path, std::string_view bytes);
  // Sum of the sizes of all files below.
  Result<uint64_t> TreeSize(const std::string& dir);

  // Lives for the whole process.
  static FileSystem* Posix();
};

// "a/b" from "a" and "b"; no doubled slash.
std::string JoinPath(std::string_view dir, std::string_view name);
// "a/b" -> "a"; "b" -> ".".
std::string DirName(std::string_view path);
std::string BaseName(std::string_view path);

}  // namespace deucalion

#endif  // DEUCALION_BASE_FILE_SYSTEM_H_

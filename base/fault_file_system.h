// FaultFileSystem: a disk that fails on command, for tests of every write path.
//
// It wraps a real file system and counts the calls that change the disk ("steps": create, append,
// write, allocate, sync, close of a written file, rename, link, remove, truncate, directory sync).
// A plan makes one step fail, tears the write in it, or ends the world there: every later step
// fails too, as after a crash. DropUnsynced() then rewinds the disk to what a power cut would have
// left: bytes appended but not synced are cut off, those written at offsets are zeros again, and
// names created or renamed in a directory that was not synced since are undone. Bytes whose sync
// failed are lost even if a later sync succeeds: the kernel has forgotten that they were dirty.
//
// What it leaves out: reordering of synced writes, and partial directory updates.
// Thread-safe.
#ifndef DEUCALION_BASE_FAULT_FILE_SYSTEM_H_
#define DEUCALION_BASE_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/thread_annotations.h"

namespace deucalion {

struct FaultPlan {
  // The step (counted from 1) that fails; 0 = none.
  uint64_t fail_at = 0;
  // What the failing step reports: EIO, ENOSPC, …
  int error_number = 5;
  // A failing append or write leaves half of its bytes behind.
  bool tear = false;
  // Every step after the failing one fails too.
  bool crash = false;
  // Only steps on paths that contain this count. Empty = all.
  std::string path_contains;
  // Only syncs count.
  bool syncs_only = false;
  // Only steps that need room on the disk count: syncs, closes, renames, links, truncations and
  // removals do not. With `crash` and ENOSPC: a disk that is full until Clear().
  bool writes_only = false;
};

class FaultFileSystem : public FileSystem {
 public:
  // `real` must outlive it.
  explicit FaultFileSystem(FileSystem* real) : real_(real) {}

  void SetPlan(FaultPlan plan) EXCLUDES(mu_);
  // No more faults; the step count starts again.
  void Clear() EXCLUDES(mu_) { SetPlan(FaultPlan{}); }
  uint64_t steps() const EXCLUDES(mu_);
  bool fired() const EXCLUDES(mu_);
  // Every file object made before must be gone or never used again.
  Status DropUnsynced() EXCLUDES(mu_);

  Result<std::unique_ptr<AppendFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override;
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path) override;
  Result<std::string> ReadFile(const std::string& path) override { return real_->ReadFile(path); }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path, uint64_t want_size) override {
    return real_->Map(path, want_size);
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    return real_->List(dir);
  }
  Result<FileInfo> Stat(const std::string& path) override { return real_->Stat(path); }
  Status CreateDirs(const std::string& dir) override;
  Status Remove(const std::string& path) override;
  Status RemoveAll(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status HardLink(const std::string& from, const std::string& to) override;
  Status Truncate(const std::string& path, uint64_t size) override;
  Status SyncDir(const std::string& dir) override;
  Result<DiskSpace> Space(const std::string& path) override { return real_->Space(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return real_->Lock(path);
  }

 private:
  friend class FaultAppendFile;
  friend class FaultRandomFile;

  struct NameChange {
    std::string from;  // empty: `to` was created
    std::string to;
  };

  struct Range {
    uint64_t begin = 0, end = 0;
  };
  enum class Kind { kWrite, kSync, kOther };

  // Counts a step; the error it must report, or OK.
  Status Step(const std::string& path, Kind kind) EXCLUDES(mu_);
  bool tear() const EXCLUDES(mu_);
  void NoteSize(const std::string& path, uint64_t synced_size) EXCLUDES(mu_);
  void NoteLost(const std::string& path, uint64_t size) EXCLUDES(mu_);
  void NoteWritten(const std::string& path, Range range) EXCLUDES(mu_);
  void NoteSyncedRanges(const std::string& path) EXCLUDES(mu_);
  void NoteLostRanges(const std::string& path) EXCLUDES(mu_);
  void NoteName(std::string from, std::string to) EXCLUDES(mu_);
  Result<std::unique_ptr<AppendFile>> OpenAppending(const std::string& path, bool truncate);

  FileSystem* const real_;
  mutable Mutex mu_;
  FaultPlan plan_ GUARDED_BY(mu_);
  uint64_t steps_ GUARDED_BY(mu_) = 0;
  bool fired_ GUARDED_BY(mu_) = false;
  std::map<std::string, uint64_t> synced_size_ GUARDED_BY(mu_);  // files with unsynced bytes
  std::map<std::string, std::vector<Range>> unsynced_ranges_ GUARDED_BY(mu_);
  std::map<std::string, std::vector<Range>> lost_ranges_ GUARDED_BY(mu_);  // a sync failed
  std::vector<NameChange> unsynced_names_ GUARDED_BY(mu_);                 // oldest first
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_FAULT_FILE_SYSTEM_H_

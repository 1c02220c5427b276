// Files whose every byte is covered by a checksum that is looked at when the byte is first used.
//
//   data
//   crc table   u32 crc32c per 64 KiB of data
//   footer      u64 data size; u32 crc32c of the table and the size; u32 magic
//
// Opening costs a few page faults whatever the size; each 64 KiB are verified once per process.
// Damage is found before anything is served from it, and names file and offset.
#ifndef DEUCALION_TSDB_BLOCK_CHECKED_FILE_H_
#define DEUCALION_TSDB_BLOCK_CHECKED_FILE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"

namespace deucalion::tsdb {

// Thread-compatible. After a failed call the writer is dead.
class CheckedFileWriter {
 public:
  static Result<std::unique_ptr<CheckedFileWriter>> Create(FileSystem* fs, const std::string& path);
  Status Append(std::string_view bytes);
  // Offset of the next byte.
  uint64_t offset() const { return offset_; }
  // Writes table and footer, syncs, closes. Returns the size of the whole file.
  Result<uint64_t> Finish();

 private:
  explicit CheckedFileWriter(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}
  Status FlushChunk();

  std::unique_ptr<AppendFile> file_;
  std::string chunk_;  // less than 64 KiB not yet written
  std::string table_;
  uint64_t offset_ = 0;
};

// Thread-safe.
class CheckedFile {
 public:
  // `want_size`: what the manifest says the file has; checked before mapping.
  static Result<std::unique_ptr<CheckedFile>> Open(FileSystem* fs, const std::string& path,
                                                   uint64_t want_size);

  std::string_view data() const { return data_; }
  // OK when [offset, offset + size) lies inside the data and its checksums hold. One relaxed load
  // per 64 KiB once verified.
  Status Check(uint64_t offset, uint64_t size) const;
  Status CheckAll() const { return Check(0, data_.size()); }
  const std::string& path() const { return path_; }

 private:
  CheckedFile() = default;
  Status VerifyChunk(size_t chunk) const;

  std::string path_;
  std::unique_ptr<MappedFile> map_;
  std::string_view data_;
  std::string_view table_;
  mutable std::vector<std::atomic<uint8_t>> verified_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_CHECKED_FILE_H_

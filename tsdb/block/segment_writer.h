// Writes the chunk segment files of a block: pages of about 64 KiB with neighbouring series' data.
//
//   u64 magic "DEUSEG01"
//   pages, as stored (raw or one zstd frame each)
//   directory: 24 bytes per data page, then per time page, then per summary page:
//              u64 offset, u32 stored bytes, u32 raw bytes, u32 crc32c of the stored bytes,
//              u32 form (0 raw, 1 zstd)
//              then u32 per time page: number of its first time column in the block
//   footer:    u64 offset of the directory, u32 data pages, u32 time pages, u32 summary pages,
//              u32 crc32c of directory and of the footer so far, u64 magic
//
// Pages of a kind are numbered through the block. A time page is u32 columns, u32 offset each, then
// the columns (chunk/packed_times.h). Equal time columns are stored once and named by number.
#ifndef DEUCALION_TSDB_BLOCK_SEGMENT_WRITER_H_
#define DEUCALION_TSDB_BLOCK_SEGMENT_WRITER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/index/series_rows.h"

namespace deucalion::tsdb {

enum class PageKind : uint32_t { kData = 0, kTimes = 1, kSummaries = 2 };
inline constexpr size_t kPageKinds = 3;
inline constexpr uint64_t kSegmentMagic = 0x3130474553554544;  // "DEUSEG01"
inline constexpr size_t kPageBytes = 64 * 1024;
// What a reader accepts: a page holds at least one chunk, whatever its size.
inline constexpr size_t kMaxPageBytes = size_t{256} << 20;

enum class PageForm : uint32_t { kRaw = 0, kZstd = 1 };

struct PageEntry {
  uint64_t offset = 0;
  uint32_t stored_bytes = 0;
  uint32_t raw_bytes = 0;
  uint32_t crc = 0;
  PageForm form = PageForm::kRaw;
};
static_assert(sizeof(PageEntry) == 24);

struct SegmentOptions {
  uint64_t max_file_bytes = uint64_t{512} << 20;
  int zstd_level = 1;
};

struct WrittenFile {
  std::string name;  // inside the block directory
  uint64_t size_bytes = 0;
};

// Thread-compatible. After a failed call the writer is dead.
class SegmentWriter {
 public:
  // Files go to `dir` (which exists), as chunks/000001, …: names are relative to it.
  SegmentWriter(FileSystem* fs, std::string dir, const SegmentOptions& options);
  ~SegmentWriter();

  // Number of the column with these times.
  Result<uint64_t> AddTimes(std::span<const int64_t> times);
  // Appends to the open page of the kind, or to a new one when it is full.
  Result<ChunkPlace> Add(PageKind kind, std::string_view chunk);
  // Syncs everything. Returns the files written.
  Result<std::vector<WrittenFile>> Finish();

 private:
  struct OpenPage {
    std::string bytes;
    uint32_t number = 0;
  };
  Status OpenFile();
  Status CloseFile();
  Status FlushPage(PageKind kind);
  Status FlushTimes();
  // Whether `encoded` is the column of `times`.
  bool SameTimes(const std::string& encoded, std::span<const int64_t> times);
  Status WritePage(PageKind kind, std::string_view raw);

  FileSystem* const fs_;
  const std::string dir_;
  const SegmentOptions options_;
  struct Compressor;
  std::unique_ptr<Compressor> compressor_;

  std::unique_ptr<AppendFile> file_;
  std::string file_name_;
  std::array<std::vector<PageEntry>, kPageKinds> entries_;  // of the open file
  std::vector<uint32_t> first_times_;
  std::vector<WrittenFile> files_;
  std::array<OpenPage, kPageKinds> open_;

  std::string times_bytes_;
  std::vector<uint32_t> times_offsets_;
  uint64_t times_count_ = 0;
  struct SeenTimes {
    uint64_t number = 0;
    std::string encoded;
  };
  std::unordered_map<uint64_t, SeenTimes> times_seen_;  // by hash of the times
  size_t times_seen_bytes_ = 0;
  std::vector<int64_t> decoded_times_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_SEGMENT_WRITER_H_

// Reads the chunk segment files of a block (layout: segment_writer.h). Memory-mapped; each page's
// checksum is looked at when the page is first used. Thread-safe; immutable.
#ifndef DEUCALION_TSDB_BLOCK_SEGMENT_READER_H_
#define DEUCALION_TSDB_BLOCK_SEGMENT_READER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/page_cache.h"
#include "tsdb/block/segment_writer.h"
#include "tsdb/chunk/packed_times.h"

namespace deucalion::tsdb {

// A page's raw bytes, held as long as this lives (raw pages: as long as the reader).
struct PageBytes {
  std::string_view bytes;
  CachedPage owner;
};

// One time column, opened: header read, times not yet decoded.
struct TimeColumn {
  PageBytes page;
  TimesHeader header;
  ByteReader rest;
};

class SegmentReader {
 public:
  // `files` as the block's meta lists them, in order. `cache` must outlive the reader.
  static Result<std::unique_ptr<SegmentReader>> Open(FileSystem* fs, const std::string& dir,
                                                     const std::vector<WrittenFile>& files,
                                                     PageCache* cache);

  Result<PageBytes> Page(PageKind kind, uint32_t number) const;
  // Bytes of one chunk; *page keeps them alive.
  Result<std::string_view> Chunk(PageKind kind, const ChunkPlace& place, PageBytes* page) const;
  // Time column `number`: header read, times still packed.
  Status OpenTimes(uint64_t number, TimeColumn* column) const;

  uint64_t pages(PageKind kind) const { return totals_[static_cast<size_t>(kind)]; }
  // Checks every page's checksum.
  Status VerifyAll() const;

 private:
  struct File {
    std::string path;
    std::unique_ptr<MappedFile> map;
    const char* entries[kPageKinds] = {};  // PageEntry each, not aligned
    uint32_t counts[kPageKinds] = {};
    uint32_t firsts[kPageKinds] = {};  // number of the first page of a kind
    std::string_view first_times;
    uint64_t owner = 0;
    mutable std::vector<std::atomic<uint8_t>> verified[kPageKinds];
  };
  SegmentReader() = default;
  Status OpenFile(FileSystem* fs, const std::string& path, uint64_t size);
  Status ReadDirectory(File* file);
  Result<std::string_view> Stored(const File& file, PageKind kind, uint32_t index) const;
  Result<PageBytes> Inflate(const File& file, PageKind kind, uint32_t index,
                            std::string_view stored) const;

  PageCache* cache_ = nullptr;
  std::vector<std::unique_ptr<File>> files_;
  uint64_t totals_[kPageKinds] = {};
  std::vector<uint32_t> first_times_;  // of every time page of the block
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_SEGMENT_READER_H_

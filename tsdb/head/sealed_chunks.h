// SealedChunks: full chunks of the head, on disk but mapped: they cost page cache, not memory of
// ours.
//
// Files <dir>/<number, 8 digits>.chunks of a fixed size, allocated ahead and written with pwrite:
//   8 bytes "DEUCHCK1"   chunks, each at a multiple of 8:
//   u32 size of the bytes   u32 crc32c of encoding, count and bytes   u8 encoding   u8 0   u16
//   count bytes
//
// A chunk is named by file and offset. Until a checkpoint names them the files are a cache of the
// WAL: at start without a checkpoint they are deleted. Thread-safe.
#ifndef DEUCALION_TSDB_HEAD_SEALED_CHUNKS_H_
#define DEUCALION_TSDB_HEAD_SEALED_CHUNKS_H_

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/thread_annotations.h"

namespace deucalion::tsdb {

// Numbered by hand: on disk.
enum class ChunkEncoding : uint8_t {
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  kRun = 64,  // i64 first ms, u32 distance ms, u64 value bits: `count` samples of one value
};

// File in the upper 24 bits, offset in units of eight bytes below.
using ChunkLocation = uint64_t;

struct SealedChunkView {
  ChunkEncoding encoding = ChunkEncoding::kXor;
  uint16_t count = 0;
  std::string_view bytes;
};

class SealedChunks {
 public:
  // `keep_below`: files with smaller numbers hold chunks of a checkpoint and are mapped; all others
  // are deleted. New chunks go to new files.
  static Result<std::unique_ptr<SealedChunks>> Open(FileSystem* fs, std::string dir,
                                                    uint32_t keep_below,
                                                    uint64_t file_bytes = 32 << 20);
  ~SealedChunks();

  Result<ChunkLocation> Append(const SealedChunkView& chunk) EXCLUDES(mu_);
  // The bytes stay valid until the file is dropped. kCorrupt when they are not what was written.
  Result<SealedChunkView> Read(ChunkLocation location) const;
  // Makes all chunks appended so far durable and begins a new file; returns its number: a
  // checkpoint that names only chunks appended before keeps files below it. Once the sync of a file
  // has failed it fails as long as there is that file: a later sync would not know of what is lost.
  Result<uint32_t> SyncAndRoll() EXCLUDES(mu_);
  // Unlinks files below `number`; their mappings live on until FreeDropped().
  void DropBelow(uint32_t number) EXCLUDES(mu_);
  void FreeDropped() EXCLUDES(mu_);
  // Maps every file anew: what was read of them through the old mappings is no longer memory of
  // ours. Those are returned and must live until nobody can hold bytes of them.
  std::vector<std::unique_ptr<MappedFile>> MapAnew() EXCLUDES(mu_);

  uint64_t size_bytes() const { return size_bytes_.load(std::memory_order_relaxed); }
  static uint32_t FileOf(ChunkLocation location) { return static_cast<uint32_t>(location >> 40); }

 private:
  struct File {
    uint32_t number = 0;
    std::unique_ptr<RandomFile> writer;
    std::unique_ptr<MappedFile> owned_map;
    std::atomic<const MappedFile*> map{nullptr};  // the same
    uint64_t used = 0;
    bool dirty = false;
    Status sync_failed;

    void SetMap(std::unique_ptr<MappedFile> fresh) {
      map.store(fresh.get(), std::memory_order_release);
      owned_map = std::move(fresh);
    }
    std::string_view bytes() const { return map.load(std::memory_order_acquire)->bytes(); }
  };
  static constexpr uint32_t kMaxFiles = 1u << 16;  // live at one time: numbers modulo this

  SealedChunks(FileSystem* fs, std::string dir, uint64_t file_bytes);
  std::string PathOf(uint32_t number) const;
  Status NewFile(uint64_t want_bytes) REQUIRES(mu_);
  Status MapExisting(uint32_t number) REQUIRES(mu_);

  FileSystem* const fs_;
  const std::string dir_;
  const uint64_t file_bytes_;
  std::unique_ptr<std::atomic<const File*>[]> by_number_;
  std::atomic<uint64_t> size_bytes_{0};
  Mutex mu_;
  std::vector<std::unique_ptr<File>> files_ GUARDED_BY(mu_);
  std::vector<std::unique_ptr<File>> dropped_ GUARDED_BY(mu_);
  uint32_t next_number_ GUARDED_BY(mu_) = 1;
  bool full_ GUARDED_BY(mu_) = true;  // the newest file takes no more
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_SEALED_CHUNKS_H_

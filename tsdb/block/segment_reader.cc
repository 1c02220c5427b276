#include "tsdb/block/segment_reader.h"

#include <zstd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kFooterBytes = 8 + 3 * 4 + 4 + 8;

ZSTD_DCtx* ThreadContext() {
  struct Holder {
    ZSTD_DCtx* context = ZSTD_createDCtx();
    ~Holder() { ZSTD_freeDCtx(context); }
  };
  thread_local Holder holder;
  return holder.context;
}

PageEntry EntryAt(const char* entries, uint32_t index) {
  PageEntry entry;
  std::memcpy(&entry, entries + size_t{index} * sizeof(PageEntry), sizeof(entry));
  return entry;
}

}  // namespace

Result<std::unique_ptr<SegmentReader>> SegmentReader::Open(FileSystem* fs, const std::string& dir,
                                                           const std::vector<WrittenFile>& files,
                                                           PageCache* cache) {
  std::unique_ptr<SegmentReader> reader(new SegmentReader());
  reader->cache_ = cache;
  for (const WrittenFile& file : files) {
    RETURN_IF_ERROR(reader->OpenFile(fs, JoinPath(dir, file.name), file.size_bytes));
  }
  return reader;
}

Status SegmentReader::OpenFile(FileSystem* fs, const std::string& path, uint64_t size) {
  auto file = std::make_unique<File>();
  file->path = path;
  ASSIGN_OR_RETURN(file->map, fs->Map(path, size));
  file->owner = cache_->NewOwner();
  RETURN_IF_ERROR(ReadDirectory(file.get()));
  for (size_t k = 0; k < kPageKinds; ++k) {
    file->firsts[k] = static_cast<uint32_t>(totals_[k]);
    totals_[k] += file->counts[k];
    if (totals_[k] > UINT32_MAX) return CorruptError(path + ": too many pages");
    file->verified[k] = std::vector<std::atomic<uint8_t>>(file->counts[k]);
  }
  ByteReader firsts(file->first_times);
  while (!firsts.done()) {
    first_times_.push_back(firsts.Fixed32());
    if (first_times_.size() > 1 && first_times_.back() <= first_times_[first_times_.size() - 2]) {
      return CorruptError(path + ": time pages out of order");
    }
  }
  files_.push_back(std::move(file));
  return OkStatus();
}

Status SegmentReader::ReadDirectory(File* file) {
  const std::string_view all = file->map->bytes();
  if (all.size() < 8 + kFooterBytes) return CorruptError(file->path + ": shorter than its footer");
  ByteReader footer(all.substr(all.size() - kFooterBytes));
  const uint64_t directory_at = footer.Fixed64();
  uint64_t entries = 0;
  for (uint32_t& count : file->counts) entries += count = footer.Fixed32();
  const uint32_t crc = footer.Fixed32();
  if (footer.Fixed64() != kSegmentMagic || ByteReader(all).Fixed64() != kSegmentMagic) {
    return CorruptError(file->path + ": not a chunk segment of a known version");
  }
  const uint64_t time_pages = file->counts[static_cast<size_t>(PageKind::kTimes)];
  const uint64_t bytes = entries * sizeof(PageEntry) + time_pages * 4;
  if (directory_at > all.size() || directory_at + bytes + kFooterBytes != all.size()) {
    return CorruptError(file->path + ": page directory does not fit the file");
  }
  if (Crc32c(all.substr(directory_at, all.size() - directory_at - 12)) != crc) {
    return CorruptError(file->path + ": page directory crc mismatch");
  }

  const char* p = all.data() + directory_at;
  for (size_t k = 0; k < kPageKinds; ++k) {
    file->entries[k] = p;
    p += file->counts[k] * sizeof(PageEntry);
  }
  file->first_times = {p, time_pages * 4};
  return OkStatus();
}

Result<std::string_view> SegmentReader::Stored(const File& file, PageKind kind,
                                               uint32_t index) const {
  const size_t k = static_cast<size_t>(kind);
  const PageEntry entry = EntryAt(file.entries[k], index);
  const std::string_view all = file.map->bytes();
  const auto place = [&] { return file.path + " page at " + std::to_string(entry.offset); };
  if (entry.offset > all.size() || entry.stored_bytes > all.size() - entry.offset ||
      entry.raw_bytes > kMaxPageBytes) {
    return CorruptError(place() + ": lies outside the file");
  }
  const std::string_view stored = all.substr(entry.offset, entry.stored_bytes);
  std::atomic<uint8_t>& verified = file.verified[k][index];
  if (verified.load(std::memory_order_relaxed) == 0) {
    if (Crc32c(stored) != entry.crc) return CorruptError(place() + ": crc mismatch");
    verified.store(1, std::memory_order_relaxed);
  }
  return stored;
}

Result<PageBytes> SegmentReader::Inflate(const File& file, PageKind kind, uint32_t index,
                                         std::string_view stored) const {
  const size_t k = static_cast<size_t>(kind);
  const PageEntry entry = EntryAt(file.entries[k], index);
  if (entry.form == PageForm::kRaw) return PageBytes{stored, nullptr};
  const uint64_t key = uint64_t{index} * kPageKinds + k;
  if (CachedPage cached = cache_->Get(file.owner, key)) return PageBytes{*cached, cached};
  const auto damaged = [&] {
    return CorruptError(file.path + " page at " + std::to_string(entry.offset) +
                        ": does not decompress");
  };
  // Both say it: no memory for a size that only one of them claims.
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != entry.raw_bytes) return damaged();
  auto raw = std::make_shared<std::string>();
  raw->resize(entry.raw_bytes);
  const size_t n =
      ZSTD_decompressDCtx(ThreadContext(), raw->data(), raw->size(), stored.data(), stored.size());
  if (ZSTD_isError(n) || n != entry.raw_bytes) return damaged();
  CachedPage page = std::move(raw);
  cache_->Put(file.owner, key, page);
  return PageBytes{*page, page};
}

Result<PageBytes> SegmentReader::Page(PageKind kind, uint32_t number) const {
  const size_t k = static_cast<size_t>(kind);
  auto it = std::upper_bound(files_.begin(), files_.end(), number,
                             [k](uint32_t n, const auto& f) { return n < f->firsts[k]; });
  // Files without pages of this kind share their first number with the next.
  if (it == files_.begin() || number >= totals_[k]) {
    return CorruptError("block segment: no page " + std::to_string(number));
  }
  do {
    --it;
  } while ((*it)->counts[k] == 0);
  const File& file = **it;
  const uint32_t index = number - file.firsts[k];
  ASSIGN_OR_RETURN(const std::string_view stored, Stored(file, kind, index));
  return Inflate(file, kind, index, stored);
}

Result<std::string_view> SegmentReader::Chunk(PageKind kind, const ChunkPlace& place,
                                              PageBytes* page) const {
  ASSIGN_OR_RETURN(*page, Page(kind, place.page));
  if (place.offset > page->bytes.size() || place.size_bytes > page->bytes.size() - place.offset) {
    return CorruptError("block segment: chunk lies outside page " + std::to_string(place.page));
  }
  return page->bytes.substr(place.offset, place.size_bytes);
}

Status SegmentReader::OpenTimes(uint64_t number, TimeColumn* column) const {
  const auto it = std::upper_bound(first_times_.begin(), first_times_.end(), number);
  if (it == first_times_.begin()) return CorruptError("block segment: no such time column");
  const uint32_t page_number = static_cast<uint32_t>(it - first_times_.begin() - 1);
  ASSIGN_OR_RETURN(column->page, Page(PageKind::kTimes, page_number));
  const uint64_t index = number - first_times_[page_number];
  const std::string_view bytes = column->page.bytes;
  ByteReader in(bytes);
  const uint64_t count = in.Fixed32();
  if (index >= count || count > in.remaining() / 4) {
    return CorruptError("block segment: no time column " + std::to_string(number));
  }
  const uint64_t begin = 4 + count * 4 + ByteReader(bytes.substr(4 + index * 4)).Fixed32();
  if (begin > bytes.size()) return CorruptError("block segment: time column outside its page");
  column->rest = ByteReader(bytes.substr(begin));
  if (!DecodeTimesHeader(&column->rest, 0, &column->header)) {
    return CorruptError("block segment: time column " + std::to_string(number) +
                        " does not decode");
  }
  return OkStatus();
}

Status SegmentReader::VerifyAll() const {
  for (const auto& file : files_) {
    for (size_t k = 0; k < kPageKinds; ++k) {
      for (uint32_t i = 0; i < file->counts[k]; ++i) {
        RETURN_IF_ERROR(Stored(*file, static_cast<PageKind>(k), i).status());
      }
    }
  }
  return OkStatus();
}

}  // namespace deucalion::tsdb

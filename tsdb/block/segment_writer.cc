#include "tsdb/block/segment_writer.h"

#include <zstd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/chunk/packed_times.h"

namespace deucalion::tsdb {
namespace {

// Remembering more distinct time columns costs memory and finds little: a column repeats within the
// series of one target, and targets are not that many.
constexpr size_t kTimesSeenBytes = 16 << 20;

}  // namespace

struct SegmentWriter::Compressor {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string out;
  ~Compressor() { ZSTD_freeCCtx(context); }

  // Empty unless it saves at least a tenth: raw pages need no copy when read.
  std::string_view Compress(std::string_view raw, int level) {
    out.resize(ZSTD_compressBound(raw.size()));
    const size_t n =
        ZSTD_compressCCtx(context, out.data(), out.size(), raw.data(), raw.size(), level);
    if (ZSTD_isError(n) || n > raw.size() - raw.size() / 10) return {};
    return std::string_view(out).substr(0, n);
  }
};

SegmentWriter::SegmentWriter(FileSystem* fs, std::string dir, const SegmentOptions& options)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      compressor_(std::make_unique<Compressor>()) {}
SegmentWriter::~SegmentWriter() = default;

Status SegmentWriter::OpenFile() {
  char name[32];
  snprintf(name, sizeof(name), "chunks/%06zu", files_.size() + 1);
  file_name_ = name;
  RETURN_IF_ERROR(fs_->CreateDirs(JoinPath(dir_, "chunks")));
  ASSIGN_OR_RETURN(file_, fs_->Create(JoinPath(dir_, file_name_)));
  std::string magic;
  PutFixed64(&magic, kSegmentMagic);
  return file_->Append(magic);
}

Status SegmentWriter::CloseFile() {
  std::string tail;
  for (const auto& entries : entries_) {
    for (const PageEntry& e : entries) PutRaw(&tail, e);
  }
  for (const uint32_t first : first_times_) PutFixed32(&tail, first);
  const uint64_t directory_at = file_->size_bytes();
  PutFixed64(&tail, directory_at);
  for (const auto& entries : entries_) PutFixed32(&tail, static_cast<uint32_t>(entries.size()));
  PutFixed32(&tail, Crc32c(tail));
  PutFixed64(&tail, kSegmentMagic);
  RETURN_IF_ERROR(file_->Append(tail));
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(file_->Close());
  files_.push_back({file_name_, file_->size_bytes()});
  file_.reset();
  for (auto& entries : entries_) entries.clear();
  first_times_.clear();
  return OkStatus();
}

Status SegmentWriter::WritePage(PageKind kind, std::string_view raw) {
  if (raw.size() > kMaxPageBytes) {
    return ResourceExhaustedError("block segment: chunk of " + std::to_string(raw.size()) +
                                  " bytes is too large");
  }
  if (file_ != nullptr && file_->size_bytes() + raw.size() > options_.max_file_bytes) {
    RETURN_IF_ERROR(CloseFile());
  }
  if (file_ == nullptr) RETURN_IF_ERROR(OpenFile());
  const std::string_view packed = compressor_->Compress(raw, options_.zstd_level);
  const std::string_view stored = packed.empty() ? raw : packed;
  entries_[static_cast<size_t>(kind)].push_back(
      {.offset = file_->size_bytes(),
       .stored_bytes = static_cast<uint32_t>(stored.size()),
       .raw_bytes = static_cast<uint32_t>(raw.size()),
       .crc = Crc32c(stored),
       .form = packed.empty() ? PageForm::kRaw : PageForm::kZstd});
  return file_->Append(stored);
}

Status SegmentWriter::FlushPage(PageKind kind) {
  OpenPage& page = open_[static_cast<size_t>(kind)];
  if (page.bytes.empty()) return OkStatus();
  RETURN_IF_ERROR(WritePage(kind, page.bytes));
  page.bytes.clear();
  ++page.number;
  return OkStatus();
}

Status SegmentWriter::FlushTimes() {
  if (times_offsets_.empty()) return OkStatus();
  std::string page;
  PutFixed32(&page, static_cast<uint32_t>(times_offsets_.size()));
  for (const uint32_t offset : times_offsets_) PutFixed32(&page, offset);
  page += times_bytes_;
  // A file may be closed by WritePage: the number belongs to the file that has the page.
  RETURN_IF_ERROR(WritePage(PageKind::kTimes, page));
  first_times_.push_back(static_cast<uint32_t>(times_count_ - times_offsets_.size()));
  times_bytes_.clear();
  times_offsets_.clear();
  return OkStatus();
}

bool SegmentWriter::SameTimes(const std::string& encoded, std::span<const int64_t> times) {
  ByteReader in(encoded);
  TimesHeader header;
  if (!DecodeTimesHeader(&in, 0, &header) || header.count != times.size()) return false;
  decoded_times_.resize(header.count);
  return DecodeTimes(&in, header, decoded_times_.data()) &&
         std::equal(times.begin(), times.end(), decoded_times_.begin());
}

Result<uint64_t> SegmentWriter::AddTimes(std::span<const int64_t> times) {
  // Decoding a known column is several times cheaper than encoding a new one.
  const uint64_t hash = Hash64({reinterpret_cast<const char*>(times.data()), times.size_bytes()});
  const auto it = times_seen_.find(hash);
  if (it != times_seen_.end() && SameTimes(it->second.encoded, times)) return it->second.number;
  if (times_seen_bytes_ > kTimesSeenBytes) {
    times_seen_.clear();
    times_seen_bytes_ = 0;
  }
  if (times_count_ == UINT32_MAX) {
    return ResourceExhaustedError("block segment: more than 2^32 time columns");
  }
  std::string encoded;
  EncodeTimes(times, 0, &encoded);
  if (times_bytes_.size() + encoded.size() + 4 * times_offsets_.size() > kPageBytes) {
    RETURN_IF_ERROR(FlushTimes());
  }
  times_offsets_.push_back(static_cast<uint32_t>(times_bytes_.size()));
  times_bytes_ += encoded;
  times_seen_bytes_ += encoded.size() + 64;
  times_seen_[hash] = {times_count_, std::move(encoded)};
  return times_count_++;
}

Result<ChunkPlace> SegmentWriter::Add(PageKind kind, std::string_view chunk) {
  OpenPage& page = open_[static_cast<size_t>(kind)];
  if (!page.bytes.empty() && page.bytes.size() + chunk.size() > kPageBytes) {
    RETURN_IF_ERROR(FlushPage(kind));
  }
  const ChunkPlace place{.page = page.number,
                         .offset = static_cast<uint32_t>(page.bytes.size()),
                         .size_bytes = static_cast<uint32_t>(chunk.size())};
  page.bytes += chunk;
  return place;
}

Result<std::vector<WrittenFile>> SegmentWriter::Finish() {
  RETURN_IF_ERROR(FlushPage(PageKind::kData));
  RETURN_IF_ERROR(FlushPage(PageKind::kSummaries));
  RETURN_IF_ERROR(FlushTimes());
  if (file_ != nullptr) RETURN_IF_ERROR(CloseFile());
  if (!files_.empty()) RETURN_IF_ERROR(fs_->SyncDir(JoinPath(dir_, "chunks")));
  return files_;
}

}  // namespace deucalion::tsdb

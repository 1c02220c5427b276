#include "tsdb/head/sealed_chunks.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/head/verify_sealed_chunks.h"

namespace deucalion::tsdb {
namespace {

constexpr std::string_view kMagic = "DEUCHCK1";
constexpr std::string_view kSuffix = ".chunks";
constexpr size_t kChunkHeaderBytes = 12;
constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kOffsetMask = (uint64_t{1} << 40) - 1;

uint64_t Align8(uint64_t n) { return (n + 7) / 8 * 8; }

}  // namespace

SealedChunks::SealedChunks(FileSystem* fs, std::string dir, uint64_t file_bytes)
    : fs_(fs),
      dir_(std::move(dir)),
      file_bytes_(file_bytes),
      by_number_(new std::atomic<const File*>[kMaxFiles]) {
  for (uint32_t i = 0; i < kMaxFiles; i++) by_number_[i].store(nullptr, std::memory_order_relaxed);
}

SealedChunks::~SealedChunks() = default;

std::string SealedChunks::PathOf(uint32_t number) const {
  return JoinPath(dir_, fmt::format("{:08}.chunks", number));
}

Result<std::unique_ptr<SealedChunks>> SealedChunks::Open(FileSystem* fs, std::string dir,
                                                         uint32_t keep_below, uint64_t file_bytes) {
  RETURN_IF_ERROR(fs->CreateDirs(dir));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs->List(dir));
  std::unique_ptr<SealedChunks> store(new SealedChunks(fs, std::move(dir), file_bytes));
  MutexLock lock(store->mu_);
  store->next_number_ = std::max(1u, keep_below);
  for (const std::string& name : names) {
    uint32_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec != std::errc() || std::string_view(parsed.ptr, end) != kSuffix) continue;
    if (number < keep_below) {
      RETURN_IF_ERROR(store->MapExisting(number));
    } else {
      RETURN_IF_ERROR(fs->Remove(store->PathOf(number)));
      store->next_number_ = std::max(store->next_number_, number + 1);
    }
  }
  return store;
}

Status SealedChunks::MapExisting(uint32_t number) {
  auto file = std::make_unique<File>();
  file->number = number;
  ASSIGN_OR_RETURN(auto map, fs_->Map(PathOf(number)));
  if (!map->bytes().starts_with(kMagic)) {
    return CorruptError(PathOf(number) + ": not a file of head chunks");
  }
  file->used = map->bytes().size();
  file->SetMap(std::move(map));
  size_bytes_.fetch_add(file->used, std::memory_order_relaxed);
  by_number_[number % kMaxFiles].store(file.get(), std::memory_order_release);
  files_.push_back(std::move(file));
  return OkStatus();
}

Status SealedChunks::NewFile(uint64_t want_bytes) {
  if (by_number_[next_number_ % kMaxFiles].load(std::memory_order_relaxed) != nullptr) {
    return ResourceExhaustedError("too many files of head chunks");
  }
  auto file = std::make_unique<File>();
  file->number = next_number_;
  const std::string path = PathOf(file->number);
  const uint64_t size = std::max(file_bytes_, Align8(want_bytes + kMagic.size()));
  ASSIGN_OR_RETURN(file->writer, fs_->OpenRandom(path));
  Status status = file->writer->Allocate(size);
  if (status.ok()) status = file->writer->WriteAt(0, kMagic);
  if (!status.ok()) {
    (void)file->writer->Close();
    (void)fs_->Remove(path);
    return status.WithContext("beginning a file of head chunks");
  }
  ASSIGN_OR_RETURN(auto map, fs_->Map(path, size));
  file->SetMap(std::move(map));
  file->used = kMagic.size();
  next_number_++;
  full_ = false;
  by_number_[file->number % kMaxFiles].store(file.get(), std::memory_order_release);
  files_.push_back(std::move(file));
  return OkStatus();
}

Result<ChunkLocation> SealedChunks::Append(const SealedChunkView& chunk) {
  std::string record;
  record.reserve(kChunkHeaderBytes + chunk.bytes.size() + 8);
  PutFixed32(&record, static_cast<uint32_t>(chunk.bytes.size()));
  PutFixed32(&record, 0);
  PutU8(&record, static_cast<uint8_t>(chunk.encoding));
  PutU8(&record, 0);
  PutFixed16(&record, chunk.count);
  record.append(chunk.bytes);
  const uint32_t crc = Crc32c(std::string_view(record).substr(8));
  std::memcpy(record.data() + 4, &crc, sizeof(crc));

  MutexLock lock(mu_);
  const uint64_t size = full_ ? 0 : files_.back()->bytes().size();
  if (full_ || files_.back()->used + record.size() > size) {
    RETURN_IF_ERROR(NewFile(record.size()));
  }
  File& file = *files_.back();
  RETURN_IF_ERROR(file.writer->WriteAt(file.used, record));
  const ChunkLocation location = static_cast<uint64_t>(file.number) << 40 | file.used / 8;
  file.used = Align8(file.used + record.size());
  file.dirty = true;
  size_bytes_.fetch_add(Align8(record.size()), std::memory_order_relaxed);
  return location;
}

Result<SealedChunkView> SealedChunks::Read(ChunkLocation location) const {
  const uint32_t number = FileOf(location);
  const uint64_t offset = (location & kOffsetMask) * 8;
  const File* file = by_number_[number % kMaxFiles].load(std::memory_order_acquire);
  const auto damaged = [&](const char* what) {
    return CorruptError(fmt::format("{} at {}: {}", PathOf(number), offset, what));
  };
  if (file == nullptr || file->number != number) return damaged("no such file of head chunks");
  const std::string_view bytes = file->bytes();
  if (offset + kChunkHeaderBytes > bytes.size()) return damaged("chunk begins behind the end");
  ByteReader in(bytes.substr(offset));
  const uint32_t size = in.Fixed32();
  const uint32_t want = in.Fixed32();
  if (size > bytes.size() - offset - kChunkHeaderBytes) return damaged("chunk ends behind the end");
  if (Crc32c(bytes.substr(offset + 8, size + 4)) != want) return damaged("chunk crc mismatch");
  SealedChunkView view;
  view.encoding = static_cast<ChunkEncoding>(in.U8());
  in.Skip(1);
  view.count = in.Fixed16();
  view.bytes = in.Bytes(size);
  return view;
}

Status VerifySealedChunks(std::string_view file, uint64_t* chunks) {
  if (!file.starts_with(kMagic)) return CorruptError("not a file of head chunks");
  *chunks = 0;
  for (size_t at = kMagic.size(); at + kChunkHeaderBytes <= file.size();) {
    ByteReader in(file.substr(at));
    const uint32_t size = in.Fixed32(), want = in.Fixed32();
    if (size == 0 && want == 0) return OkStatus();  // allocated ahead
    if (size > file.size() - at - kChunkHeaderBytes ||
        Crc32c(file.substr(at + 8, size + 4)) != want) {
      return CorruptError(fmt::format("chunk at {}: crc mismatch", at));
    }
    ++*chunks;
    at = Align8(at + kChunkHeaderBytes + size);
  }
  return OkStatus();
}

Result<uint32_t> SealedChunks::SyncAndRoll() {
  MutexLock lock(mu_);
  for (auto& file : files_) {
    RETURN_IF_ERROR(file->sync_failed);
    if (!file->dirty) continue;
    file->sync_failed = file->writer->Sync();
    if (!file->sync_failed.ok()) full_ = true;  // what comes next is to have a chance
    RETURN_IF_ERROR(file->sync_failed);
    file->dirty = false;
  }
  RETURN_IF_ERROR(fs_->SyncDir(dir_));
  if (!files_.empty() && files_.back()->writer != nullptr && !full_) {
    full_ = true;
    // Room that was allocated ahead and will not be used. The mapping keeps its size; nobody has a
    // location behind the last chunk.
    const File& last = *files_.back();
    (void)fs_->Truncate(PathOf(last.number),
                        (last.used + kPageBytes - 1) / kPageBytes * kPageBytes);
  }
  return next_number_;
}

void SealedChunks::DropBelow(uint32_t number) {
  MutexLock lock(mu_);
  for (auto& file : files_) {
    if (file->number >= number || (&file == &files_.back() && !full_)) continue;
    by_number_[file->number % kMaxFiles].store(nullptr, std::memory_order_release);
    if (file->writer != nullptr) (void)file->writer->Close();
    (void)fs_->Remove(PathOf(file->number));
    size_bytes_.fetch_sub(std::min(file->used, size_bytes_.load()), std::memory_order_relaxed);
    dropped_.push_back(std::move(file));
  }
  std::erase(files_, nullptr);
}

std::vector<std::unique_ptr<MappedFile>> SealedChunks::MapAnew() {
  std::vector<std::unique_ptr<MappedFile>> old;
  MutexLock lock(mu_);
  for (auto& file : files_) {
    // The newest one was allocated ahead; the others may have been truncated since.
    const bool open = &file == &files_.back() && !full_;
    auto fresh = open ? fs_->Map(PathOf(file->number), file->bytes().size())
                      : fs_->Map(PathOf(file->number));
    // It was readable before: whatever is wrong now, what is mapped serves on.
    if (!fresh.ok() ||
        (*fresh)->bytes().size() < std::min<uint64_t>(file->used, file->bytes().size()))
      continue;
    old.push_back(std::move(file->owned_map));
    file->SetMap(*std::move(fresh));
  }
  return old;
}

void SealedChunks::FreeDropped() {
  MutexLock lock(mu_);
  dropped_.clear();
}

}  // namespace deucalion::tsdb

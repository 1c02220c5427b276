#include "tsdb/block/checked_file.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr size_t kFooter = 16;
constexpr uint32_t kMagic = 0x4b434844;  // "DHCK"

std::string Hex(uint32_t v) {
  char text[9];
  snprintf(text, sizeof(text), "%08x", v);
  return text;
}

}  // namespace

Result<std::unique_ptr<CheckedFileWriter>> CheckedFileWriter::Create(FileSystem* fs,
                                                                     const std::string& path) {
  ASSIGN_OR_RETURN(auto file, fs->Create(path));
  return std::unique_ptr<CheckedFileWriter>(new CheckedFileWriter(std::move(file)));
}

Status CheckedFileWriter::FlushChunk() {
  PutFixed32(&table_, Crc32c(chunk_));
  Status status = file_->Append(chunk_);
  chunk_.clear();
  return status;
}

Status CheckedFileWriter::Append(std::string_view bytes) {
  offset_ += bytes.size();
  while (!bytes.empty()) {
    const size_t take = std::min(bytes.size(), kChunk - chunk_.size());
    chunk_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (chunk_.size() == kChunk) RETURN_IF_ERROR(FlushChunk());
  }
  return OkStatus();
}

Result<uint64_t> CheckedFileWriter::Finish() {
  if (!chunk_.empty()) RETURN_IF_ERROR(FlushChunk());
  PutFixed64(&table_, offset_);
  PutFixed32(&table_, Crc32c(table_));
  PutFixed32(&table_, kMagic);
  RETURN_IF_ERROR(file_->Append(table_));
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(file_->Close());
  return file_->size_bytes();
}

Result<std::unique_ptr<CheckedFile>> CheckedFile::Open(FileSystem* fs, const std::string& path,
                                                       uint64_t want_size) {
  std::unique_ptr<CheckedFile> file(new CheckedFile());
  file->path_ = path;
  ASSIGN_OR_RETURN(file->map_, fs->Map(path, want_size));
  const std::string_view all = file->map_->bytes();
  if (all.size() < kFooter) return CorruptError(path + ": shorter than its footer");
  ByteReader footer(all.substr(all.size() - kFooter));
  const uint64_t data_size = footer.Fixed64();
  const uint32_t crc = footer.Fixed32();
  if (footer.Fixed32() != kMagic) return CorruptError(path + ": footer has no magic number");
  const uint64_t chunks = data_size / kChunk + (data_size % kChunk != 0);
  if (data_size > all.size() || data_size + chunks * 4 + kFooter != all.size()) {
    return CorruptError(path + ": footer names " + std::to_string(data_size) +
                        " bytes of data, the file has " + std::to_string(all.size()));
  }
  const uint32_t got = Crc32c(all.substr(data_size, chunks * 4 + 8));
  if (got != crc) {
    return CorruptError(path + ": crc table mismatch: got " + Hex(got) + ", want " + Hex(crc));
  }
  file->data_ = all.substr(0, data_size);
  file->table_ = all.substr(data_size, chunks * 4);
  file->verified_ = std::vector<std::atomic<uint8_t>>(chunks);
  return file;
}

Status CheckedFile::VerifyChunk(size_t chunk) const {
  const uint32_t got = Crc32c(data_.substr(chunk * kChunk, kChunk));
  ByteReader want(table_.substr(chunk * 4, 4));
  if (const uint32_t crc = want.Fixed32(); crc != got) {
    return CorruptError(path_ + " at " + std::to_string(chunk * kChunk) + ": crc mismatch: got " +
                        Hex(got) + ", want " + Hex(crc));
  }
  verified_[chunk].store(1, std::memory_order_relaxed);
  return OkStatus();
}

Status CheckedFile::Check(uint64_t offset, uint64_t size) const {
  if (offset > data_.size() || size > data_.size() - offset) {
    return CorruptError(path_ + ": " + std::to_string(size) + " bytes at " +
                        std::to_string(offset) + " lie outside the file");
  }
  if (size == 0) return OkStatus();
  for (size_t chunk = offset / kChunk; chunk <= (offset + size - 1) / kChunk; ++chunk) {
    if (verified_[chunk].load(std::memory_order_relaxed) == 0) RETURN_IF_ERROR(VerifyChunk(chunk));
  }
  return OkStatus();
}

}  // namespace deucalion::tsdb

#include "tsdb/catalog/rocks_file_system.h"

#include <algorithm>
#include <cstring>

namespace deucalion::tsdb {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ToRocks(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return IOStatus::OK();
    case StatusCode::kNotFound:
      return IOStatus::PathNotFound(status.message());
    case StatusCode::kNoSpace:
      return IOStatus::NoSpace(status.message());
    default:
      return IOStatus::IOError(status.message());
  }
}

class SequentialFile : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<MappedFile> map) : map_(std::move(map)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const std::string_view part = map_->bytes().substr(at_, n);
    if (!part.empty()) std::memcpy(scratch, part.data(), part.size());
    at_ += part.size();
    *result = Slice(scratch, part.size());
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    at_ = std::min<uint64_t>(at_ + n, map_->bytes().size());
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<MappedFile> map_;
  size_t at_ = 0;
};

class RandomAccessFile : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<MappedFile> map) : map_(std::move(map)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    const std::string_view all = map_->bytes();
    const std::string_view part = all.substr(std::min<uint64_t>(offset, all.size()), n);
    if (!part.empty()) std::memcpy(scratch, part.data(), part.size());
    *result = Slice(scratch, part.size());
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<MappedFile> map_;
};

class WritableFile : public rocksdb::FSWritableFile {
 public:
  explicit WritableFile(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return ToRocks(file_->Append({data.data(), data.size()}));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  // Append has handed the bytes to the system already.
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Sync()); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Sync()); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return ToRocks(file_->Close()); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return file_->size_bytes(); }

 private:
  std::unique_ptr<AppendFile> file_;
};

class Directory : public rocksdb::FSDirectory {
 public:
  Directory(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->SyncDir(path_));
  }
  size_t GetUniqueId(char*, size_t) const override { return 0; }

 private:
  FileSystem* const fs_;
  const std::string path_;
};

class Lock : public rocksdb::FileLock {
 public:
  explicit Lock(std::unique_ptr<deucalion::FileLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<deucalion::FileLock> lock_;
};

class RocksFileSystem : public rocksdb::FileSystem {
 public:
  explicit RocksFileSystem(deucalion::FileSystem* fs) : fs_(fs) {}
  const char* Name() const override { return "DeucalionFileSystem"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext*) override {
    return Map<SequentialFile>(path, file);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext*) override {
    return Map<RandomAccessFile>(path, file);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext*) override {
    return Wrap(fs_->Create(path), file);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext*) override {
    return Wrap(fs_->OpenAppend(path), file);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext*) override {
    *directory = std::make_unique<Directory>(fs_, path);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    return fs_->Exists(path) ? IOStatus::OK() : IOStatus::NotFound();
  }
  IOStatus GetChildren(const std::string& dir, const IOOptions&, std::vector<std::string>* names,
                       IODebugContext*) override {
    auto listed = fs_->List(dir);
    if (!listed.ok()) return ToRocks(listed.status());
    *names = std::move(*listed);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->Remove(path));
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions&,
                    IODebugContext*) override {
    return ToRocks(fs_->Truncate(path, size));
  }
  IOStatus CreateDir(const std::string& dir, const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->CreateDirs(dir));
  }
  IOStatus CreateDirIfMissing(const std::string& dir, const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->CreateDirs(dir));
  }
  IOStatus DeleteDir(const std::string& dir, const IOOptions&, IODebugContext*) override {
    return ToRocks(fs_->Remove(dir));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const auto info = fs_->Stat(path);
    if (info.ok()) *size = info->size_bytes;
    return ToRocks(info.status());
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* seconds,
                                   IODebugContext*) override {
    const auto info = fs_->Stat(path);
    if (info.ok()) *seconds = static_cast<uint64_t>(info->mtime_ms / 1000);
    return ToRocks(info.status());
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return ToRocks(fs_->Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return ToRocks(fs_->HardLink(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    auto held = fs_->Lock(path);
    if (!held.ok()) return ToRocks(held.status());
    *lock = new Lock(std::move(*held));  // RocksDB gives it back to UnlockFile
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("test directory");
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* log,
                     IODebugContext*) override {
    log->reset();
    return IOStatus::NotSupported("log files");
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                           IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_directory,
                       IODebugContext*) override {
    const auto info = fs_->Stat(path);
    if (info.ok()) *is_directory = info->is_directory;
    return ToRocks(info.status());
  }

 private:
  template <typename Wrapper, typename Base>
  IOStatus Map(const std::string& path, std::unique_ptr<Base>* file) {
    auto map = fs_->Map(path);
    if (!map.ok()) return ToRocks(map.status());
    *file = std::make_unique<Wrapper>(std::move(*map));
    return IOStatus::OK();
  }
  IOStatus Wrap(Result<std::unique_ptr<AppendFile>> made,
                std::unique_ptr<rocksdb::FSWritableFile>* file) {
    if (!made.ok()) return ToRocks(made.status());
    *file = std::make_unique<WritableFile>(std::move(*made));
    return IOStatus::OK();
  }

  deucalion::FileSystem* const fs_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeRocksFileSystem(FileSystem* fs) {
  return std::make_shared<RocksFileSystem>(fs);
}

}  // namespace deucalion::tsdb

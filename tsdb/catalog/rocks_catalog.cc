// One column family; the first byte of a key is its keyspace, so that one iterator bound fences a
// space and one memtable serves all. Sizes below add up to less than 32 MiB: memtables 8 (two of
// 4), block cache 8 with index and filter blocks inside, the rest for table readers and compaction.
#include "tsdb/catalog/rocks_catalog.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "base/thread_annotations.h"
#include "tsdb/catalog/rocks_file_system.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kMemtableBytes = 4 << 20;
constexpr size_t kCacheBytes = 8 << 20;
constexpr std::string_view kVersion = "1";

Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return OkStatus();
  const std::string message = "catalog: " + std::string(doing) + ": " + status.ToString();
  if (status.IsNotFound()) return NotFoundError(message);
  if (status.IsNoSpace()) return Status(StatusCode::kNoSpace, message);
  if (status.IsCorruption()) return CorruptError(message);
  return IoError(message);
}

// RocksDB's own log lines: warnings and errors only.
class LogBridge : public rocksdb::Logger {
 public:
  explicit LogBridge(deucalion::Logger* log)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(log) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list args) override {
    char line[512];
    vsnprintf(line, sizeof(line), format, args);
    log_->Warn(line, {{"component", "catalog"}});
  }

 private:
  deucalion::Logger* const log_;
};

rocksdb::Options MakeOptions(rocksdb::Env* env, std::shared_ptr<rocksdb::Cache> cache,
                             std::shared_ptr<rocksdb::Logger> log) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.info_log = std::move(log);
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 2;
  options.arena_block_size = 128 << 10;
  options.max_total_wal_size = 16 << 20;
  options.max_open_files = 64;
  options.max_background_jobs = 2;
  options.max_subcompactions = 1;
  options.compaction_readahead_size = 0;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.persist_stats_to_disk = false;
  options.target_file_size_base = 8 << 20;
  options.max_bytes_for_level_base = 32 << 20;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_manifest_file_size = 4 << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::string FullKey(Keyspace space, std::string_view key) {
  std::string full(1, static_cast<char>(space));
  full += key;
  return full;
}

class RocksCatalog : public Catalog {
 public:
  RocksCatalog(FileSystem* fs, deucalion::Logger* log)
      : env_(rocksdb::NewCompositeEnv(MakeRocksFileSystem(fs))),
        cache_(rocksdb::NewLRUCache(kCacheBytes, 2)),
        log_(std::make_shared<LogBridge>(log)) {}

  Status Open(const std::string& dir) {
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(MakeOptions(env_.get(), cache_, log_), dir, &db);
    RETURN_IF_ERROR(FromRocks(status, "open " + dir));
    db_.reset(db);
    return CheckVersion();
  }

  Status Write(const CatalogBatch& batch, bool sync) override EXCLUDES(mu_) {
    rocksdb::WriteBatch changes;
    for (const CatalogBatch::Change& c : batch.changes()) {
      const std::string key = FullKey(c.space, c.key);
      const rocksdb::Status status = c.is_delete ? changes.Delete(key) : changes.Put(key, c.value);
      RETURN_IF_ERROR(FromRocks(status, "batch"));
    }
    RETURN_IF_ERROR(Recover());
    rocksdb::WriteOptions options;
    options.sync = sync;
    Status status = FromRocks(db_->Write(options, &changes), "write");
    if (!status.ok()) {
      MutexLock lock(mu_);
      failed_ = true;
    }
    return status;
  }

  Result<std::string> Get(Keyspace space, std::string_view key) override {
    std::string value;
    RETURN_IF_ERROR(
        FromRocks(db_->Get(rocksdb::ReadOptions(), FullKey(space, key), &value), "get"));
    return value;
  }

  Status Scan(Keyspace space, std::string_view from, const CatalogVisitor& visit) override {
    const std::string end(1, static_cast<char>(static_cast<uint8_t>(space) + 1));
    const rocksdb::Slice bound(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (it->Seek(FullKey(space, from)); it->Valid(); it->Next()) {
      const std::string_view key(it->key().data() + 1, it->key().size() - 1);
      if (!visit(key, {it->value().data(), it->value().size()})) break;
    }
    return FromRocks(it->status(), "scan");
  }

  uint64_t MemoryBytes() override {
    uint64_t total = 0, value = 0;
    for (const auto& property :
         {rocksdb::DB::Properties::kCurSizeAllMemTables, rocksdb::DB::Properties::kBlockCacheUsage,
          rocksdb::DB::Properties::kEstimateTableReadersMem}) {
      if (db_->GetIntProperty(property, &value)) total += value;
    }
    return total;
  }

 private:
  // After a failed write RocksDB refuses all others until told that the cause is gone.
  Status Recover() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    if (!failed_) return OkStatus();
    RETURN_IF_ERROR(FromRocks(db_->Resume(), "resume"));
    failed_ = false;
    return OkStatus();
  }

  Status CheckVersion() {
    const auto version = Get(Keyspace::kFormat, "version");
    if (version.ok()) {
      return *version == kVersion
                 ? OkStatus()
                 : InvalidArgumentError("catalog: format version " + *version + " is not known");
    }
    if (version.status().code() != StatusCode::kNotFound) return version.status();
    CatalogBatch batch;
    batch.Put(Keyspace::kFormat, "version", kVersion);
    return Write(batch, true);
  }

  const std::unique_ptr<rocksdb::Env> env_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::Logger> log_;
  std::unique_ptr<rocksdb::DB> db_;
  Mutex mu_;
  bool failed_ GUARDED_BY(mu_) = false;
};

}  // namespace

Result<std::unique_ptr<Catalog>> OpenRocksCatalog(FileSystem* fs, const std::string& dir,
                                                  Logger* log) {
  RETURN_IF_ERROR(fs->CreateDirs(dir));
  auto catalog = std::make_unique<RocksCatalog>(fs, log);
  RETURN_IF_ERROR(catalog->Open(dir));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

}  // namespace deucalion::tsdb

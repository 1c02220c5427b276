// Catalog: the mutable keyed state of a database: series registry, block manifest, checkpoint
// positions, tombstones, rule state, cursors. One atomic batch can change all of them.
//
// On disk it is RocksDB, which runs on our FileSystem (so faults reach it) and stays within 32 MiB
// of anonymous memory. Never on the ingest path, never in a query's inner loop. Thread-safe.
//
// A Write that fails may still turn out to have happened after a restart: the caller must either
// repeat it or write its opposite before relying on it.
#ifndef DEUCALION_TSDB_CATALOG_CATALOG_H_
#define DEUCALION_TSDB_CATALOG_CATALOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/storage/state_store.h"

namespace deucalion::tsdb {

// Numbers are on disk: never reused.
enum class Keyspace : uint8_t {
  kSeries = 1,      // series id (8 bytes, big-endian) -> encoded labels
  kBlocks = 2,      // ULID -> manifest record (block/block_store.cc)
  kCheckpoint = 3,  // name -> head checkpoint and WAL positions
  kTombstones = 4,  // ULID -> deleted ranges (block/tombstones.h)
  kRules = 5,
  kCursors = 6,
  kFormat = 7,  // "version"
};

// Changes applied together or not at all, in order.
class CatalogBatch {
 public:
  struct Change {
    Keyspace space;
    bool is_delete = false;
    std::string key, value;
  };
  void Put(Keyspace space, std::string_view key, std::string_view value) {
    changes_.push_back({space, false, std::string(key), std::string(value)});
  }
  void Delete(Keyspace space, std::string_view key) {
    changes_.push_back({space, true, std::string(key), {}});
  }
  const std::vector<Change>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  void Clear() { changes_.clear(); }

 private:
  std::vector<Change> changes_;
};

using CatalogVisitor = std::function<bool(std::string_view key, std::string_view value)>;

class Catalog : public StateStore {
 public:
  // Opens or creates. Fails when it is damaged: see OpenOrRebuild.
  static Result<std::unique_ptr<Catalog>> Open(FileSystem* fs, const std::string& dir, Logger* log);
  // As Open; a damaged one is moved aside (`<dir>.damaged-N`, said loudly) and an empty one made.
  // *fresh: it is empty because there was none, or none that could be read.
  static Result<std::unique_ptr<Catalog>> OpenOrRebuild(FileSystem* fs, const std::string& dir,
                                                        Logger* log, bool* fresh);
  // Keeps nothing; for tests and stress under tsan.
  static std::unique_ptr<Catalog> InMemory();

  // `sync`: on disk when it returns.
  virtual Status Write(const CatalogBatch& batch, bool sync) = 0;
  // kNotFound when absent.
  virtual Result<std::string> Get(Keyspace space, std::string_view key) = 0;
  // Ascending by key from `from` on, until `visit` returns false.
  virtual Status Scan(Keyspace space, std::string_view from, const CatalogVisitor& visit) = 0;
  // Anonymous memory of memtables, cache and table readers, as RocksDB counts it.
  virtual uint64_t MemoryBytes() = 0;

  // StateStore, for the spaces "rules" and "cursors": Put and Delete are synced.
  Status Put(std::string_view space, std::string_view key, std::string_view value) override;
  Status PutUnsynced(std::string_view space, std::string_view key, std::string_view value) override;
  Result<std::string> Get(std::string_view space, std::string_view key) override;
  Status Delete(std::string_view space, std::string_view key) override;
  Status Scan(std::string_view space, const CatalogVisitor& visit) override;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CATALOG_CATALOG_H_

// BlockStore: the blocks of a database and their manifest.
//
// The manifest (catalogue keyspace "blocks") decides what exists; directories follow. A change is
// one synced atomic batch: new blocks appear, the ones they replace are marked as deleting, and
// whatever else the caller adds (cut position, WAL positions) changes with them. Order of a change:
// directory written as X.tmp-for-creation and synced -> batch -> rename -> published -> old ones
// unlinked. Opening finishes what a crash left: renames what the manifest names, deletes what it
// does not, adopts plain block directories that somebody put there.
//
// Thread-safe. Readers hold List(): the blocks in it stay readable whatever happens.
#ifndef DEUCALION_TSDB_BLOCK_BLOCK_STORE_H_
#define DEUCALION_TSDB_BLOCK_BLOCK_STORE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "tsdb/block/block.h"
#include "tsdb/block/page_cache.h"
#include "tsdb/catalog/catalog.h"

namespace deucalion::tsdb {

using BlockList = std::vector<std::shared_ptr<const Block>>;  // ascending by min_ms

struct BlockStoreOptions {
  FileSystem* fs = nullptr;
  std::string root;        // the data directory: foreign blocks lie here
  std::string blocks_dir;  // ours
  Logger* log = nullptr;
  PageCache* cache = PageCache::Shared();
  // Opens a directory that is not of our format; empty: such directories are left alone.
  std::function<Result<std::shared_ptr<Block>>(FileSystem*, const std::string& dir)> open_foreign;
};

// A block to be replaced. `tombstones`: those that were applied when it was read; if others have
// come since, the change is refused. Null: does not matter (retention).
struct RemovedBlock {
  std::string ulid;
  std::shared_ptr<const Tombstones> tombstones;
};

// What opening found, for the log and metrics.
struct BlockStoreFindings {
  uint64_t finished = 0;    // renames completed
  uint64_t deleted = 0;     // leftovers removed
  uint64_t adopted = 0;     // foreign blocks taken in
  uint64_t missing = 0;     // in the manifest, not on disk
  uint64_t unreadable = 0;  // on disk, damaged: left alone
};

class BlockStore {
 public:
  // `catalog` must outlive the store. `rebuild`: the catalogue was lost, the manifest is made anew
  // from the directories.
  static Result<std::unique_ptr<BlockStore>> Open(const BlockStoreOptions& options,
                                                  Catalog* catalog, bool rebuild);

  // Keep the pointer while looking at the list: a loop over *List() outlives it.
  std::shared_ptr<const BlockList> List() const EXCLUDES(mu_);
  // Changes whenever List() does, or a tombstone.
  uint64_t version() const { return version_.load(); }

  // Where the block `ulid` is to be written before Commit.
  std::string CreationDir(const std::string& ulid) const;

  // `added`: metas of blocks finished in their CreationDir. `extra`: further changes of the same
  // batch. When it fails, nothing of it is visible, and its opposite is written before anything
  // else is. kUnavailable: a removed block got deletions meanwhile; begin again.
  Status Commit(const std::vector<BlockMeta>& added, const std::vector<RemovedBlock>& removed,
                const CatalogBatch& extra) EXCLUDES(commit_mu_, mu_);

  // Replaces the deletions of several blocks at once.
  Status SetTombstones(const std::vector<std::pair<std::string, Tombstones>>& changed)
      EXCLUDES(commit_mu_, mu_);

  // Takes in block directories put there by somebody else. Returns how many.
  Result<uint64_t> AdoptForeign() EXCLUDES(commit_mu_, mu_);

  const BlockStoreFindings& findings() const { return findings_; }

 private:
  struct Entry {
    std::string dir;  // relative to the root
    bool deleting = false;
  };
  explicit BlockStore(const BlockStoreOptions& options, Catalog* catalog)
      : options_(options), catalog_(catalog) {}

  Status ReadManifest() REQUIRES(commit_mu_);
  Status OpenListed() REQUIRES(commit_mu_);
  Status FinishDeletions() REQUIRES(commit_mu_);
  Status RemoveLeftovers(bool rebuild) REQUIRES(commit_mu_);
  Status FinishCreation(const std::string& ulid, const std::string& dir) REQUIRES(commit_mu_);
  Result<std::shared_ptr<const Block>> OpenBlock(const std::string& ulid, const std::string& dir);
  Status LoadTombstones(Block* block);
  Result<uint64_t> Adopt() REQUIRES(commit_mu_);
  std::vector<std::string> ForeignDirs() REQUIRES(commit_mu_);
  Status RemoveDir(const std::string& ulid, const std::string& dir) REQUIRES(commit_mu_);
  void Publish(const BlockList& added, const std::vector<std::string>& removed) REQUIRES(commit_mu_)
      EXCLUDES(mu_);
  // A batch that puts back what `batch` is about to change.
  Result<CatalogBatch> OppositeOf(const CatalogBatch& batch) REQUIRES(commit_mu_);
  Result<CatalogBatch> MakeBatch(const std::vector<BlockMeta>& added,
                                 const std::vector<RemovedBlock>& removed) REQUIRES(commit_mu_)
      EXCLUDES(mu_);
  // What follows a written batch. Returns what must be finished by the next start.
  Status OpenAdded(const std::vector<BlockMeta>& added, BlockList* opened) REQUIRES(commit_mu_);
  Status Unlink(const std::vector<RemovedBlock>& removed) REQUIRES(commit_mu_);
  std::string OwnDir(const std::string& ulid) const;
  Status WriteBatch(const CatalogBatch& batch, std::vector<std::string> leftovers)
      REQUIRES(commit_mu_);
  Status Unwind() REQUIRES(commit_mu_);
  std::string Absolute(const std::string& dir) const { return JoinPath(options_.root, dir); }

  const BlockStoreOptions options_;
  Catalog* const catalog_;
  BlockStoreFindings findings_;
  std::atomic<uint64_t> version_{1};

  Mutex commit_mu_;  // one change at a time
  std::map<std::string, Entry> entries_ GUARDED_BY(commit_mu_);
  // Of a batch whose write failed and may have happened: its opposite, and the directories it
  // named.
  CatalogBatch opposite_ GUARDED_BY(commit_mu_);
  std::vector<std::string> leftovers_ GUARDED_BY(commit_mu_);

  mutable Mutex mu_;
  std::shared_ptr<const BlockList> list_ GUARDED_BY(mu_) = std::make_shared<BlockList>();
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_BLOCK_STORE_H_
